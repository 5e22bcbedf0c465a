"""The shapes of CronBeats: snake_case, whole ids, seconds, {"success": true, "data": …}."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from dogwatch.core.ping import Kind
from dogwatch.core.spec import WatchSpec
from dogwatch.core.watch import Status, phase
from dogwatch.usecases.aliases import Named
from dogwatch.usecases.lists import Record
from dogwatch.web.dialect.text import LINES, ONE_LINE
from dogwatch.web.dialect.times import Instant

T = TypeVar("T")

PAGE, MOST = 50, 100
GRACE_S = 300
LEAST_S, MOST_S = 60, 31_536_000
_STATUSES = {
    "late": "late",
    Status.NEW: "pending",
    Status.UP: "healthy",
    Status.DEGRADED: "healthy",
    Status.DOWN: "down",
    Status.PAUSED: "disabled",
}
Shown = Literal["all", "enabled", "disabled", "healthy", "late", "down"]


def status_of(record: Record, at: datetime) -> str:
    """Return the state of a job; one that only began or told of its progress is pending."""
    return _STATUSES[phase(record.watch, at)]


def is_shown(record: Record, wanted: Shown, at: datetime) -> bool:
    """Whether a filter shows a job."""
    status = status_of(record, at)
    if wanted in ("all", status):
        return True
    return wanted == "enabled" and status != "disabled"


class Data(BaseModel, Generic[T]):
    """One thing."""

    success: Literal[True] = True
    data: T


class Meta(BaseModel):
    """Which part of a list this is."""

    page: int
    per_page: int
    total: int
    total_pages: int
    timestamp: Instant


class Items(BaseModel, Generic[T]):
    """A page of a list."""

    success: Literal[True] = True
    data: list[T]
    meta: Meta


class JobMade(BaseModel):
    """A job that was just made."""

    id: int
    job_key: str
    name: str
    ping_url: str
    is_enabled: bool
    created_at: Instant


class State(BaseModel):
    """How a job is."""

    status: str
    last_ping_at: Instant | None
    last_signal: str | None
    next_expected_at: Instant | None
    progress: int | None
    progress_message: str | None


class Job(JobMade):
    """A job with all that is known of it."""

    description: str | None
    expected_interval_seconds: int
    grace_seconds: int
    timezone: str
    current_state: State
    updated_at: Instant


class Enabled(BaseModel):
    """Whether a job is watched."""

    id: int
    is_enabled: bool


class Signal(BaseModel):
    """One signal of the history; `status` is success or fail at an end, null before one."""

    id: int
    signal: str
    status: str | None
    progress: int | None
    message: str | None
    ip_address: str
    duration_ms: int | None
    received_at: Instant

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Return the shape of a stored ping."""
        return cls(
            id=row["id"],
            signal=signal_of(row),
            status={Kind.OK: "success", Kind.FAIL: "fail"}.get(row["kind"]),
            progress=row["progress"],
            message=row["body"][:255] or None,
            ip_address=row["remote_ip"],
            duration_ms=row["duration_ms"],
            received_at=row["at"],
        )


def signal_of(row: Mapping[str, Any]) -> str:
    """Return the name of a ping; one that tells an exit status is the end of a run."""
    match row["kind"]:
        case Kind.START:
            return "start"
        case Kind.LOG:
            return "progress"
        case Kind.OK if row["exit_code"] is None:
            return "ping"
    return "end"


class Failed(BaseModel):
    """A job that a bulk operation left alone, and why."""

    id: int
    error: str


def interval_s(record: Record, at: datetime) -> int:
    """Return the interval of a job; of one with a calendar, the time between its next slots."""
    schedule = record.watch.plan.schedule
    if schedule is None:
        return 0
    if schedule.interval_s:
        return schedule.interval_s
    match schedule.next(2, at):
        case [first, second]:
            return int((second - first).total_seconds())
    return 0


def made(named: Named, ping_base: str) -> dict[str, Any]:
    """Return what every shape of a job has."""
    alias, record = named
    return {
        "id": alias.number,
        "job_key": alias.ping_key,
        "name": record.name,
        "ping_url": f"{ping_base}/ping/{alias.ping_key}",
        "is_enabled": record.watch.status is not Status.PAUSED,
        "created_at": record.created_at,
    }


def whole(named: Named, ping_base: str, last: Mapping[str, Any] | None, at: datetime) -> Job:
    """Return a job with all that is known of it; `last` is its newest signal."""
    alias, record = named
    return Job(
        **made(named, ping_base),
        description=record.description or None,
        expected_interval_seconds=interval_s(record, at),
        grace_seconds=record.watch.plan.start_by_s or 0,
        timezone=alias.said.get("timezone", record.timezone),
        current_state=_state(record, last, at),
        updated_at=record.updated_at,
    )


def _state(record: Record, last: Mapping[str, Any] | None, at: datetime) -> State:
    going = last if last and last["kind"] == Kind.LOG else None
    paused = record.watch.status is Status.PAUSED
    return State(
        status=status_of(record, at),
        last_ping_at=record.last_ping_at,
        last_signal=signal_of(last) if last else None,
        next_expected_at=None if paused else record.watch.slot_at,
        progress=going["progress"] if going else None,
        progress_message=(going["body"][:255] or None) if going else None,
    )


Name = Annotated[str, Field(strict=True, min_length=1, max_length=200), ONE_LINE]
Words = Annotated[str, Field(strict=True, max_length=255), LINES]
Zone = Annotated[str, Field(strict=True, min_length=1, max_length=64)]
Interval = Annotated[int, Field(strict=True, ge=LEAST_S, le=MOST_S)]
Grace = Annotated[int, Field(strict=True, ge=0, le=MOST_S)]
JobId = Annotated[int, Field(strict=True)]


class _Sent(BaseModel):
    model_config = ConfigDict(extra="ignore")

    def changes(self) -> dict[str, Any]:
        """Return what was sent, by our names for it."""
        sent = self.model_dump(exclude_unset=True)
        sent.pop("timezone", None)
        if "expected_interval_seconds" in sent:
            sent["schedule"] = f"every {sent.pop('expected_interval_seconds')}s"
        if "grace_seconds" in sent:
            sent["start_by_s"] = sent.pop("grace_seconds")
        if sent.get("description", "") is None:
            sent["description"] = ""
        return sent


class JobNew(_Sent):
    """What makes a job. The time zone is kept, and means nothing to an interval."""

    name: Name
    expected_interval_seconds: Interval
    grace_seconds: Grace = GRACE_S
    description: Words | None = None
    timezone: Zone = "UTC"

    def spec(self) -> WatchSpec:
        """Return the watch that is asked for."""
        return WatchSpec(**{"start_by_s": GRACE_S} | self.changes())


class JobChange(_Sent):
    """What changes of a job; what is not sent stays."""

    name: Name = ""
    expected_interval_seconds: Interval = 0
    grace_seconds: Grace = 0
    description: Words | None = None
    timezone: Zone = ""

    def spec(self, before: WatchSpec) -> WatchSpec:
        """Return the watch as it shall be."""
        return replace(before, **self.changes())


class JobIds(BaseModel):
    """Which jobs a bulk operation is for."""

    model_config = ConfigDict(extra="ignore")

    job_ids: Annotated[list[JobId], Field(min_length=1, max_length=100)]


class PageAsked(BaseModel):
    """Which page of a list."""

    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    per_page: Annotated[int, Field(ge=1, le=MOST)] = PAGE


class JobsAsked(PageAsked):
    """Which jobs."""

    status: Shown = "all"


def meta(asked: PageAsked, total: int, at: datetime) -> Meta:
    """Return which part of `total` things is shown."""
    return Meta(
        page=asked.page,
        per_page=asked.per_page,
        total=total,
        total_pages=-(-total // asked.per_page),
        timestamp=at,
    )
