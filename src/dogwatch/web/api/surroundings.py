"""What surrounds a watch: /why explains it, it depends on /parents, and /dialects name it."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Self

from fastapi import Response
from pydantic import BaseModel, Field

from dogwatch.core.dialects import DIALECTS
from dogwatch.usecases import aliases, dependencies, watches, why
from dogwatch.usecases.aliases import Alias
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import Record
from dogwatch.usecases.why import Why
from dogwatch.web.api.auth import needs, resource
from dogwatch.web.api.body import Body
from dogwatch.web.api.call import Call, Called, Name, shown
from dogwatch.web.api.wire import DeliveryOut, FlipOut, Instant, RunOut

router = resource("watches")


class Evidence(BaseModel):
    """What was heard: last of all, last that was good, and the newest run."""

    heard_at: Instant | None
    ok_at: Instant | None
    failures: int
    last_run: RunOut | None


class AppliedRule(BaseModel):
    """What the watch is judged by."""

    schedule: str | None
    schedule_english: str | None
    timezone: str
    grace_s: int | None
    failures_before_down: int


class Clock(BaseModel):
    """The times that count: now, the due time, and when it is judged."""

    now: Instant
    due_at: Instant | None
    deadline_at: Instant | None


class WhyOut(BaseModel):
    """Why a watch is as it is, and why people were told of its last flip or were not.

    Lateness comes from no flip: `flip` is null where that was the last to be told of. Where a
    fall was told again, `alerts` are its last reminders and escalations. `incident` is the number
    of the one that is open for it.
    """

    sentence: str
    status: str
    phase: str
    since_at: Instant | None
    evidence: Evidence
    rule: AppliedRule
    clock: Clock
    flip: FlipOut | None
    alerts: list[DeliveryOut]
    incident: int | None

    @classmethod
    def of(cls, found: Why) -> Self:
        """Return the shape of an explanation."""
        view, state = found.view, found.state
        return cls(
            sentence=found.sentence,
            status=str(view.record.watch.status),
            phase=state.phase,
            since_at=state.since_at,
            evidence=Evidence(
                heard_at=state.heard_at,
                ok_at=state.ok_at,
                failures=state.failures,
                last_run=RunOut.of(view.last_run) if view.last_run else None,
            ),
            rule=_applied(view.record),
            clock=Clock(now=view.at, due_at=state.due_at, deadline_at=state.deadline_at),
            flip=FlipOut.of(found.flip) if found.flip else None,
            alerts=[DeliveryOut.of(delivery) for _, delivery in found.alerts],
            incident=found.incident,
        )


def _applied(record: Record) -> AppliedRule:
    plan = record.watch.plan
    return AppliedRule(
        schedule=record.schedule,
        schedule_english=plan.schedule.english() if plan.schedule else None,
        timezone=record.timezone,
        grace_s=plan.start_by_s,
        failures_before_down=plan.failures_before_down,
    )


class ParentsChange(Body):
    """The watches that a watch depends on, by id or slug; an empty list for none."""

    stand_in: ClassVar[dict[str, Any]] = {"parents": []}
    parents: list[Annotated[str, Field(min_length=1, max_length=64)]]


class ParentOut(BaseModel):
    """A watch that another depends on."""

    id: str
    slug: str
    name: str
    status: str


class ParentsOut(BaseModel):
    """The watches that a watch depends on."""

    parents: list[ParentOut]

    @classmethod
    def of(cls, found: Sequence[Record]) -> Self:
        """Return the shape of parents."""
        return cls(
            parents=[
                ParentOut(id=one.id, slug=one.slug, name=one.name, status=str(one.watch.status))
                for one in found
            ]
        )


class NameOut(BaseModel):
    """What the API of another product calls a watch, and where that product's clients ping it."""

    dialect: str
    product: str
    id: str
    ping_key: str | None = Field(description="Null for keys without write:watches.")
    ping_url: str | None = Field(description="Null likewise, and where the product has no pings.")

    @classmethod
    def of(cls, alias: Alias, call: Call) -> Self:
        """Return the shape of an alias."""
        dialect = DIALECTS[alias.dialect]
        key = alias.ping_key if call.may_ping and dialect.pings else None
        return cls(
            dialect=dialect.name,
            product=dialect.title,
            id=str(alias.number) if dialect.numbers else alias.name,
            ping_key=key,
            ping_url=key and call.services.origin_of(dialect.name) + dialect.pings + key,
        )


class NamesOut(BaseModel):
    """What the APIs of other products call a watch: those that have been asked for it."""

    data: list[NameOut]


@router.get("/{name}/why", response_model=WhyOut, **needs("watches.why"))
async def explain_watch(call: Called, name: Name) -> Response:
    """Explain its state and its last alert: the evidence, the rule and the clock."""
    found = await call.read(lambda tx: why.why(tx, call.workspace_id, name, call.at))
    return shown(WhyOut.of(found))


@router.get("/{name}/parents", response_model=ParentsOut, **needs("watches.parents"))
async def list_parents(call: Called, name: Name) -> Response:
    """List what a watch depends on: while one of these is down, it opens no alerts."""
    found = await call.read(lambda tx: dependencies.parents_of(tx, call.workspace_id, name))
    return shown(ParentsOut.of(found))


@router.put("/{name}/parents", response_model=ParentsOut, **needs("watches.depend"))
async def change_parents(call: Called, name: Name, body: ParentsChange) -> Response:
    """Have a watch depend on these alone; a circle is refused with its path."""
    found = await call.write(
        lambda tx: dependencies.set_parents(tx, call.workspace_id, name, body.parents, call.at)
    )
    return shown(ParentsOut.of(found))


@router.get("/{name}/dialects", response_model=NamesOut, **needs("watches.show"))
async def list_names(call: Called, name: Name) -> Response:
    """List what the APIs of other products call a watch, once they have been asked for it."""

    def found(tx: Tx) -> NamesOut:
        known = aliases.of_watch(tx, watches.find(tx, call.workspace_id, name))
        return NamesOut(data=[NameOut.of(alias, call) for alias in known])

    return shown(await call.read(found))
