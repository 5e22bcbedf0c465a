"""The shapes of CronMonitor: snake_case, seconds, times like 2025-12-01T02:00:15Z."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
)
from pydantic_core import PydanticCustomError

from dogwatch.core.problems import Problem
from dogwatch.core.schedule import parse
from dogwatch.core.schedule.cron import is_cron
from dogwatch.core.spec import WatchSpec
from dogwatch.core.watch import Status
from dogwatch.usecases.aliases import Named
from dogwatch.usecases.lists import Record
from dogwatch.usecases.numbered import Tally
from dogwatch.web.dialect.text import ONE_LINE
from dogwatch.web.dialect.times import Instant

T = TypeVar("T")

PAGE = 50
MOST = 100
LONGEST_MESSAGE = 1_000
GRACE_S = 300
MOST_GRACE_S = 31_622_400
NOT_CRON = "Must be a valid cron expression"

_STATUSES = {
    Status.NEW: "pending",
    Status.UP: "up",
    Status.DEGRADED: "up",
    Status.DOWN: "down",
    Status.PAUSED: "paused",
}


def status_of(record: Record) -> str:
    """Return the status of a monitor."""
    return _STATUSES[record.watch.status]


class Data(BaseModel, Generic[T]):
    """One thing."""

    data: T


class Meta(BaseModel):
    """Which part of a list this is."""

    total: int
    page: int
    per_page: int


class Items(BaseModel, Generic[T]):
    """A page of a list."""

    data: list[T]
    meta: Meta


class _Named(BaseModel):
    """What every answer tells of a monitor first."""

    id: str
    name: str
    schedule: str
    timezone: str
    grace_period: int


class _Told(_Named):
    status: str


class Monitor(_Told):
    """A monitor as the list shows it."""

    last_ping_at: Instant | None
    next_expected_at: Instant | None
    created_at: Instant


class MonitorDetail(_Told):
    """A monitor by itself."""

    ping_url: str
    last_ping_at: Instant | None
    next_expected_at: Instant | None
    ping_count: int
    failure_count: int
    created_at: Instant


class MonitorMade(_Told):
    """A monitor that was just made."""

    ping_url: str
    created_at: Instant


class MonitorChanged(_Named):
    """A monitor that was just changed."""

    updated_at: Instant


class Paused(BaseModel):
    """A monitor that expects nothing now."""

    id: str
    status: str
    paused_at: Instant


class Resumed(BaseModel):
    """A monitor that expects again."""

    id: str
    status: str
    resumed_at: Instant


class Ping(BaseModel):
    """One ping of the history."""

    id: str
    pinged_at: Instant
    status: str
    duration: float | None
    message: str | None
    ip_address: str

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Return the shape of a stored ping."""
        duration_ms = row.get("duration_ms")
        return cls(
            id=f"ping_{row['id']}",
            pinged_at=row["at"],
            status="fail" if row["kind"] == "fail" else "success",
            duration=None if duration_ms is None else duration_ms / 1000,
            message=row["body"][:LONGEST_MESSAGE] or None,
            ip_address=row["remote_ip"],
        )


def fields_of(named: Named) -> dict[str, Any]:
    """Return what the shapes of a monitor choose from."""
    alias, record = named
    watch = record.watch
    paused = watch.status is Status.PAUSED
    return {
        "id": alias.name,
        "name": record.name,
        "schedule": record.schedule or "",
        "timezone": record.timezone,
        "grace_period": watch.plan.start_by_s or 0,
        "status": status_of(record),
        "last_ping_at": record.last_ping_at,
        "next_expected_at": None if paused else watch.slot_at,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
    }


def detail(named: Named, ping_url: str, tally: Tally) -> MonitorDetail:
    """Return a monitor by itself."""
    return MonitorDetail(
        **fields_of(named), ping_url=ping_url, ping_count=tally.pings, failure_count=tally.downs
    )


def _wrong(told: str) -> PydanticCustomError:
    return PydanticCustomError("wrong", "{told}", {"told": told})


def _judged(text: str) -> str:
    """Judge a cron expression here, so that all bad fields are told at once; no other schedule."""
    try:
        parse(text if is_cron(text) else "@daily")
    except Problem as problem:
        raise _wrong(problem.fields["schedule"]) from None
    return text


def is_known(schedule: str) -> bool:
    """Whether it is a cron expression; other APIs of ours take more."""
    return "\n" not in schedule and is_cron(schedule)


def _cron(text: str) -> str:
    if not is_known(text):
        raise _wrong(NOT_CRON)
    return text


def _zone(name: str) -> str:
    try:
        parse("@daily", name)
    except Problem as problem:
        raise _wrong(problem.fields["timezone"]) from None
    return name


Text = Annotated[str, Field(strict=True, min_length=1, max_length=200), ONE_LINE]
Schedule = Annotated[str, Field(strict=True, max_length=256), AfterValidator(_judged)]
Cron = Annotated[Schedule, AfterValidator(_cron)]
Zone = Annotated[str, Field(strict=True, max_length=64), AfterValidator(_zone)]
Whole = Annotated[int, Field(strict=True, ge=0, le=MOST_GRACE_S)]


class MonitorNew(BaseModel):
    """What makes a monitor."""

    model_config = ConfigDict(extra="ignore")

    name: Text
    schedule: Cron
    timezone: Zone = "UTC"
    grace_period: Whole = GRACE_S
    enabled: StrictBool = True

    def spec(self) -> WatchSpec:
        """Return the watch that is asked for."""
        return WatchSpec(
            name=self.name,
            schedule=self.schedule,
            timezone=self.timezone,
            start_by_s=self.grace_period,
        )


class MonitorChange(BaseModel):
    """What changes of a monitor; what is not sent stays, and null is nothing to set."""

    model_config = ConfigDict(extra="ignore")

    name: Text = ""
    schedule: Schedule = ""
    timezone: Zone = ""
    grace_period: Whole = 0
    enabled: StrictBool = True

    def spec(self, before: WatchSpec) -> WatchSpec:
        """Return the watch as it shall be."""
        sent = self.model_dump(exclude_unset=True, exclude={"enabled"})
        if "grace_period" in sent:
            sent["start_by_s"] = sent.pop("grace_period")
        return replace(before, **sent)


# The plus of an offset, which is a blank in a query that did not escape it.
_BLANK = re.compile(r"(?<=[\d:.]{5}) (?=\d\d:?\d\d$)")


def _moment(text: str) -> datetime:
    """Read a time as ISO 8601; without a zone it is UTC."""
    spelled = _BLANK.sub("+", text) if "T" in text else text
    try:
        at = datetime.fromisoformat(spelled)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        told = {"told": "must be an ISO 8601 date, such as 2025-12-01T02:00:15Z"}
        raise PydanticCustomError("moment", "{told}", told) from None


Moment = Annotated[datetime, BeforeValidator(_moment)]


class PageAsked(BaseModel):
    """Which page of a list."""

    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    per_page: Annotated[int, Field(ge=1, le=MOST)] = PAGE


class PingsAsked(BaseModel):
    """Which pings: `from` is inclusive, `to` is not."""

    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    limit: Annotated[int, Field(ge=1, le=MOST)] = PAGE
    from_at: Moment | None = Field(default=None, alias="from")
    until_at: Moment | None = Field(default=None, alias="to")
