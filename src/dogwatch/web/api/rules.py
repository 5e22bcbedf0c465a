"""/rules: which events of which watches go to which channel, and when."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Self

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field

from dogwatch.core.alerts import Escalation, Event, Rule
from dogwatch.core.problems import Problem
from dogwatch.core.windows import Digest, Quiet, check_zone, clock_time
from dogwatch.usecases import rules
from dogwatch.usecases.door import Tx
from dogwatch.web.api.auth import needs, resource
from dogwatch.web.api.body import Body
from dogwatch.web.api.call import Called, Id, shown
from dogwatch.web.api.pages import Paged
from dogwatch.web.api.scope import ScopeAsked, ScopeOut
from dogwatch.web.api.wire import Instant, PageOf

router = resource("rules")

_CHANNEL_ID = Annotated[str, Field(min_length=1, max_length=26)]
_DAY_S = 86_400
_ClockTime = Annotated[
    str,
    Field(
        description="Such as 22:00.",
        json_schema_extra={"pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"},
    ),
]


class Hours(BaseModel):
    """Quiet hours of every day, on the clock of a zone; they may pass midnight."""

    model_config = ConfigDict(extra="forbid", strict=True)
    start: _ClockTime
    end: _ClockTime
    timezone: str = "UTC"


class TimeOfDay(BaseModel):
    """A time of every day, on the clock of a zone."""

    model_config = ConfigDict(extra="forbid", strict=True)
    time: _ClockTime
    timezone: str = "UTC"


class Step(BaseModel):
    """Who is told besides, where nobody has acknowledged so long after the first alert."""

    model_config = ConfigDict(extra="forbid", strict=True)
    channel_id: _CHANNEL_ID
    after_s: int = Field(ge=60, le=7 * _DAY_S)


class RuleFields(Body):
    """What may be said of a rule; null clears a field, so that its default holds."""

    events: list[Literal["down", "degraded", "slow", "late", "recovered"]] | None = Field(
        default=None,
        description="down and recovered if not given.",
        json_schema_extra={"minItems": 1},
    )
    scope: ScopeAsked | None = None
    delay_s: int | None = Field(
        default=None, ge=0, le=_DAY_S, description="Told only if it still is so after this time."
    )
    quiet: Hours | None = None
    repeat_s: int | None = Field(
        default=None, ge=60, le=7 * _DAY_S,
        description="Told again and again until it is acknowledged or over.",
    )  # fmt: skip
    digest: TimeOfDay | None = Field(
        default=None, description="Collected, and told at this time of day."
    )
    escalations: list[Step] | None = Field(default=None, max_length=10)

    def check(self) -> None:
        """Raise a Problem of all that would never match or cannot be read."""
        wrong = dict(self._faults())
        if wrong:
            raise Problem("invalid", "see errors", wrong)

    def _faults(self) -> Iterator[tuple[str, str]]:
        if self.events == []:
            yield "events", "give one at least"
        if self.scope:
            yield from self.scope.faults().items()
        for field, text in self._clock_times():
            try:
                clock_time(text, field)
            except Problem as problem:
                yield from problem.fields.items()
        for name, given in (("quiet", self.quiet), ("digest", self.digest)):
            if given and (told := _zone_fault(given.timezone, f"{name}.timezone")):
                yield told

    def _clock_times(self) -> Iterator[tuple[str, str]]:
        if self.quiet:
            yield "quiet.start", self.quiet.start
            yield "quiet.end", self.quiet.end
        if self.digest:
            yield "digest.time", self.digest.time

    def rule(self, base: Rule) -> Rule:
        """Return `base` with what is said here."""
        plain = Rule("", "")
        said = {name: self._said(name) for name in self.model_fields_set - {"channel_id"}}
        values = {
            name: getattr(plain, name) if value is None else value for name, value in said.items()
        }
        return replace(base, **values)

    def _said(self, name: str) -> Any:
        match name, getattr(self, name):
            case _, None:
                return None
            case "events", events:
                return frozenset(map(Event, events))
            case "scope", scope:
                return scope.scope()
            case "quiet", hours:
                start, end = clock_time(hours.start, "start"), clock_time(hours.end, "end")
                return Quiet(start, end, hours.timezone)
            case "digest", daily:
                return Digest(clock_time(daily.time, "time"), daily.timezone)
            case "escalations", steps:
                return tuple(Escalation(step.channel_id, step.after_s) for step in steps)
            case _, value:
                return value


def _zone_fault(timezone: str, field: str) -> tuple[str, str] | None:
    try:
        check_zone(timezone, field)
    except Problem as problem:
        return next(iter(problem.fields.items()))
    return None


class RuleNew(RuleFields):
    """A new rule: events of watches go to a channel."""

    stand_in: ClassVar[Mapping[str, Any]] = {"channel_id": "x"}
    channel_id: _CHANNEL_ID


class RuleChange(RuleFields):
    """Changes of a rule: what is not sent stays."""


class RuleOut(BaseModel):
    """Which events of which watches go to which channel, and when."""

    id: str
    channel_id: str
    events: list[str]
    scope: ScopeOut
    delay_s: int
    quiet: Hours | None
    repeat_s: int | None
    digest: TimeOfDay | None
    escalations: list[Step]
    created_at: Instant

    @classmethod
    def of(cls, rule: Rule, created_at: datetime) -> Self:
        """Return the shape of a rule."""
        return cls(
            id=rule.id,
            channel_id=rule.channel_id,
            events=sorted(map(str, rule.events)),
            scope=ScopeOut.of(rule.scope),
            delay_s=rule.delay_s,
            quiet=_hours(rule.quiet) if rule.quiet else None,
            repeat_s=rule.repeat_s,
            digest=_time_of_day(rule.digest) if rule.digest else None,
            escalations=[
                Step(channel_id=one.channel_id, after_s=one.after_s) for one in rule.escalations
            ],
            created_at=created_at,
        )


def _hours(quiet: Quiet) -> Hours:
    start, end = f"{quiet.start:%H:%M}", f"{quiet.end:%H:%M}"
    return Hours(start=start, end=end, timezone=quiet.timezone)


def _time_of_day(digest: Digest) -> TimeOfDay:
    return TimeOfDay(time=f"{digest.time:%H:%M}", timezone=digest.timezone)


@router.get("", response_model=PageOf[RuleOut], **needs("rules.list"))
async def list_rules(call: Called, page: Paged) -> Response:
    """List rules, oldest first."""
    found = await call.read(
        lambda tx: rules.rule_page(tx, call.workspace_id, page.size, page.after)
    )
    return page.answer(found, lambda one: RuleOut.of(*one), lambda one: one[0].id)


@router.post("", response_model=RuleOut, status_code=201, **needs("rules.make"))
async def make_rule(call: Called, body: RuleNew) -> Response:
    """Make a rule."""

    def made(tx: Tx) -> RuleOut:
        asked = body.rule(Rule("", body.channel_id))
        return RuleOut.of(rules.add_rule(tx, call.workspace_id, asked, call.at), call.at)

    return await call.post(201, made)


@router.get("/{name}", response_model=RuleOut, **needs("rules.show"))
async def show_rule(call: Called, name: Id) -> Response:
    """Show a rule."""
    found = await call.read(lambda tx: rules.rule_by_id(tx, call.workspace_id, name))
    return shown(RuleOut.of(*found))


@router.patch("/{name}", response_model=RuleOut, **needs("rules.change"))
async def change_rule(call: Called, name: Id, body: RuleChange) -> Response:
    """Change a rule; what is not sent stays, null clears. What it held is decided anew."""

    def changed(tx: Tx) -> RuleOut:
        rule, made_at = rules.rule_by_id(tx, call.workspace_id, name)
        return RuleOut.of(
            rules.change_rule(tx, call.workspace_id, body.rule(rule), call.at), made_at
        )

    return shown(await call.write(changed))


@router.delete("/{name}", status_code=204, **needs("rules.delete"))
async def remove_rule(call: Called, name: Id) -> Response:
    """Delete a rule; what it held is sent no more, and says so."""
    await call.write(lambda tx: rules.remove_rule(tx, call.workspace_id, name, call.at))
    return Response(status_code=204)
