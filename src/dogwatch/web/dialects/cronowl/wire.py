"""The shapes of CronOwl: camelCase, minutes of grace, times like 2024-01-20T02:00:15Z."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Generic, Literal, Self, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, PlainValidator, model_validator
from pydantic.alias_generators import to_camel

from dogwatch.core.ping import Kind
from dogwatch.core.schedule.interval import interval_phrase
from dogwatch.core.spec import WatchSpec
from dogwatch.core.watch import Status, underneath
from dogwatch.usecases.aliases import Named
from dogwatch.usecases.history import Turn
from dogwatch.usecases.keys import Key
from dogwatch.usecases.lists import Record
from dogwatch.web.dialect.times import Instant
from dogwatch.web.dialects.cronowl import fields
from dogwatch.web.dialects.cronowl.fields import PRESETS, wrong
from dogwatch.web.dialects.cronowl.pings import BEGAN, DONE

T = TypeVar("T")

PAGE, MOST = 20, 100
MOST_PAGES = 1_000_000
PREFIX_LENGTH = 12
GRACE_MIN = 5
PRESET = "every hour"
MINUTE_S = 60

_STATUSES = {
    Status.NEW: "new",
    Status.UP: "up",
    Status.DEGRADED: "up",
    Status.DOWN: "down",
}
_PRESETS = {seconds: text for text, seconds in PRESETS.items()}


class Wire(BaseModel):
    """A shape that is sent to clients."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )


class Sent(BaseModel):
    """A shape that clients send; fields it does not know are ignored."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore")


class New(Sent):
    """A shape that makes something: what is null or empty is as good as left out."""

    @model_validator(mode="before")
    @classmethod
    def _filled(cls, said: Any) -> Any:
        return {name: value for name, value in said.items() if value is not None and value != ""}


class Data(Wire, Generic[T]):
    """One thing."""

    success: Literal[True] = True
    data: T


class Meta(Wire):
    """Which part of a list this is."""

    page: int
    limit: int
    total: int
    total_pages: int


class Items(Wire, Generic[T]):
    """A page of a list."""

    success: Literal[True] = True
    data: list[T]
    meta: Meta


class Deleted(Wire):
    """A check that is gone."""

    deleted: Literal[True] = True


class Paused(Wire):
    """Whether a check is paused."""

    paused: bool
    id: str


# --- keys --------------------------------------------------------------------------------------


class ApiKey(Wire):
    """A key; `prefix` is its beginning."""

    id: str
    name: str
    prefix: str
    created_at: Instant
    last_used_at: Instant | None

    @classmethod
    def of(cls, key: Key) -> Self:
        """Return the shape of a key."""
        return cls(
            id=key.id, name=key.name, prefix=prefix_of(key.prefix),
            created_at=key.created_at, last_used_at=key.last_used_at,
        )  # fmt: skip


class ApiKeyMade(Wire):
    """A key that was just made, with the one sight of it."""

    id: str
    name: str
    key: str
    prefix: str
    created_at: Instant


class Revoked(Wire):
    """A key that is good no more."""

    revoked: Literal[True] = True


class KeyNew(Sent):
    """What makes a key."""

    name: fields.KeyName


def prefix_of(token: str) -> str:
    """Return what is shown of a key."""
    return f"{token[:PREFIX_LENGTH]}..."


# --- checks ------------------------------------------------------------------------------------


class Check(Wire):
    """A check; all its keys are always there."""

    id: str
    name: str
    slug: str
    schedule: str
    schedule_type: Literal["preset", "cron"]
    cron_expression: str | None
    timezone: str
    grace_period: int
    status: str
    paused: bool
    last_ping: Instant | None
    last_duration: int | None
    webhook_url: str | None
    tags: list[str]
    max_duration: int | None
    created_at: Instant


def check(named: Named, webhook_url: str | None) -> Check:
    """Return a check as it is shown."""
    alias, record = named
    plan = record.watch.plan
    return Check(
        id=alias.name,
        name=record.name,
        slug=alias.ping_key,
        **_schedule(record),
        timezone=record.timezone,
        grace_period=-(-(plan.start_by_s or 0) // MINUTE_S),
        status=status_of(record),
        paused=record.watch.status is Status.PAUSED,
        last_ping=record.watch.heard_at,
        last_duration=record.watch.duration_ms,
        webhook_url=webhook_url,
        tags=list(record.tags),
        max_duration=plan.slow_after_ms,
        created_at=record.created_at,
    )


def _schedule(record: Record) -> dict[str, Any]:
    """Return how a schedule is told: an interval by its words, all else as if it were cron."""
    schedule, text = record.watch.plan.schedule, record.schedule
    seconds = schedule.interval_s if schedule else None
    if text is None or seconds:
        words = _PRESETS.get(seconds or 0) or (interval_phrase(seconds).lower() if seconds else "")
        return {"schedule": words, "schedule_type": "preset", "cron_expression": None}
    return {"schedule": "cron", "schedule_type": "cron", "cron_expression": text}


def status_of(record: Record) -> str:
    """Return the status of a check: `paused` stands apart, what it was and hears goes on."""
    return _STATUSES[underneath(record.watch)]


def scheduled(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what was said of a check without the schedule that its cron expression overrides."""
    cron = said.get("cronExpression")
    return {name: one for name, one in said.items() if not cron or name != "schedule"}


class CheckNew(New):
    """What makes a check."""

    name: fields.Name
    schedule: fields.Preset = PRESET
    cron_expression: fields.Cron | None = None
    timezone: fields.Zone = "UTC"
    grace_period: fields.ClampedGrace = GRACE_MIN
    tags: fields.Tags = ()
    webhook_url: fields.Hook = None
    max_duration: fields.Duration = None

    def spec(self) -> WatchSpec:
        """Return the watch that is asked for."""
        return WatchSpec(
            name=self.name,
            schedule=self.cron_expression or self.schedule,
            timezone=self.timezone,
            start_by_s=self.grace_period * MINUTE_S,
            tags=self.tags,
            slow_after_ms=self.max_duration,
        )


class CheckChange(Sent):
    """What changes of a check; what is not sent stays."""

    name: fields.Name = ""
    schedule: fields.Preset = PRESET
    cron_expression: fields.CronOrNone = None
    timezone: fields.Zone = ""
    grace_period: fields.Grace = 0
    tags: fields.TagsOrNone = None
    webhook_url: fields.Hook = None
    max_duration: fields.Duration = None

    def spec(self, before: WatchSpec) -> WatchSpec:
        """Return the watch as it shall be."""
        changes: dict[str, Any] = {
            "name": self.name,
            "timezone": self.timezone,
            "start_by_s": self.grace_period * MINUTE_S,
            "tags": self.tags or (),
            "slow_after_ms": self.max_duration,
        }
        sent = {_OURS.get(name, name) for name in self.model_fields_set}
        changes = {name: value for name, value in changes.items() if name in sent}
        if sent & {"cron_expression", "schedule"}:
            changes["schedule"] = self.cron_expression or self.schedule
        return replace(before, **changes)


_OURS = {"grace_period": "start_by_s", "max_duration": "slow_after_ms"}
# By which names a client knows what our rules call otherwise.
NAMES: Mapping[str, str] = {
    "schedule": "cronExpression",
    "start_by_s": "gracePeriod",
    "slow_after_ms": "maxDuration",
}


# --- history -----------------------------------------------------------------------------------


class Ping(Wire):
    """One ping of the history; what it did not say is null."""

    id: str
    timestamp: Instant
    ip: str | None
    user_agent: str | None
    duration: int | None
    exit_code: int | None
    output: str | None
    status: Literal["success", "failure", "start"] | None

    @classmethod
    def of(cls, row: Mapping[str, Any], output_bytes: int) -> Self:
        """Return the shape of a stored ping."""
        output = str(row["body"]).encode()[:output_bytes].decode(errors="ignore")
        return cls(
            id=f"ping{row['id']}",
            timestamp=row["at"],
            ip=row["remote_ip"] or None,
            user_agent=row["user_agent"] or None,
            duration=row["duration_ms"],
            exit_code=row["exit_code"],
            output=output or None,
            status=_ping_status(row),
        )


def _ping_status(row: Mapping[str, Any]) -> Literal["success", "failure", "start"] | None:
    match row["kind"]:
        case Kind.START:
            return "start"
        case Kind.FAIL:
            return "failure"
        case Kind.LOG:
            return "start" if row["progress"] == BEGAN else None
    told = row["exit_code"] is not None or row["progress"] == DONE
    return "success" if told else None


class PingsMeta(Wire):
    """Whose pings these are."""

    check_id: str
    check_name: str
    count: int


class Pings(Wire):
    """The last pings of a check."""

    success: Literal[True] = True
    data: list[Ping]
    meta: PingsMeta


class StatusEvent(Wire):
    """A change of status; `duration` is the seconds spent in the one before."""

    id: str
    status: str
    timestamp: Instant
    duration: int | None

    @classmethod
    def of(cls, turn: Turn) -> Self:
        """Return the shape of a turn."""
        return cls(id=turn.id, status=turn.status, timestamp=turn.at, duration=turn.before_s)


class StatusMeta(Wire):
    """Whose changes these are."""

    check_id: str
    check_name: str
    current_status: str
    count: int


class StatusHistory(Wire):
    """The last changes of status of a check."""

    success: Literal[True] = True
    data: list[StatusEvent]
    meta: StatusMeta


# --- lists -------------------------------------------------------------------------------------


def _within(most: int) -> Any:
    """Return the reader of a number in a query, which is brought within 1 to `most`."""

    def read(value: Any) -> int:
        text = str(value).strip()
        if not text.removeprefix("-").isdecimal() or len(text) > 30:
            raise wrong("must be a whole number")
        return max(1, min(most, int(text)))

    return read


class LimitAsked(BaseModel):
    """How many, newest first."""

    limit: Annotated[int, PlainValidator(_within(MOST), json_schema_input_type=int)] = PAGE


class PageAsked(LimitAsked):
    """Which page of a list, of those with a status and a tag; a status that is none is ignored."""

    page: Annotated[int, PlainValidator(_within(MOST_PAGES), json_schema_input_type=int)] = 1
    status: str = ""
    tag: str = ""

    def has(self, status: str, tags: Sequence[str]) -> bool:
        """Whether something is asked for; its tags are asked for in capitals or not."""
        tag = self.tag.strip().lower()
        return self.status in ("", status) and (not tag or tag in map(str.lower, tags))

    def meta(self, total: int) -> Meta:
        """Return which part of `total` things is shown."""
        pages = -(-total // self.limit)
        return Meta(page=self.page, limit=self.limit, total=total, total_pages=pages)


def known(statuses: Any) -> PlainValidator:
    """Return the reader of a status in a query; what is none of the literal is as good as none."""
    names = get_args(statuses)
    return PlainValidator(
        lambda text: text if text in names else "", json_schema_input_type=statuses
    )


class ChecksAsked(PageAsked):
    """Which checks."""

    status: Annotated[str, known(Literal["up", "down", "new"])] = ""
