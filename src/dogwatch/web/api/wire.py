"""What is answered: the shapes of the API. Fields are only ever added."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import BaseModel, Field, PlainSerializer

from dogwatch.core.alerts import event_of, group_window_s
from dogwatch.core.instants import iso
from dogwatch.core.isolation import Least, Level
from dogwatch.core.run import Policy
from dogwatch.core.spec import RANGES
from dogwatch.core.watch import phase
from dogwatch.usecases import probes
from dogwatch.usecases.channels import ChannelRow
from dogwatch.usecases.lists import (
    Delivery,
    FlipRow,
    Handed,
    JobRow,
    Receipt,
    Run,
    WatchView,
    Workspace,
)
from dogwatch.usecases.statistics import Window

T = TypeVar("T")


Instant = Annotated[datetime, PlainSerializer(iso, return_type=str)]


def _same(source: object, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(source, name) for name in names}


class RunOut(BaseModel):
    """One occurrence of a watch; `outcome` once it is done."""

    id: str
    watch_id: str
    slot_at: Instant | None
    rid: str | None
    state: str
    outcome: str | None
    reason: str
    trigger: str
    attempt: int
    retry_at: Instant | None = Field(
        default=None, description="When the next attempt is due, while the run waits for it."
    )
    queued_at: Instant | None
    started_at: Instant | None
    finished_at: Instant | None
    duration_ms: int | None
    exit_code: int | None
    status_code: int | None
    phases_ms: Mapping[str, float] | None
    cancel_reason: str | None
    error: str | None = Field(
        default=None,
        description="Of requests and probes: the class of what went wrong, such as timeout.",
    )
    parent_id: str | None = Field(
        default=None,
        description="The run of the workflow that it belongs to, or that it follows from.",
    )
    depth: int = Field(default=0, description="How many runs it follows from.")

    @classmethod
    def of(cls, run: Run) -> Self:
        """Return the shape of a run."""
        return cls(**_same(run, list(cls.model_fields)))


class RunDetail(RunOut):
    """A run with its input; what its script handed on, any JSON value and a condition; and of a
    probe, the beginning of what came. Secret values in them are masked.

    `detail` tells blocked, refused and unreachable addresses apart, for admins of a workspace
    on an instance of their own.
    """

    input: str
    output_value: Any = None
    condition: bool | None = None
    preview: str | None = None
    detail: str | None = None
    waits: str = Field(default="", description="What a queued run waits for, if it is a place.")

    @classmethod
    def made(cls, run: Run, handed: Handed, waits: str = "") -> Self:
        """Return the shape of a run with what it handed on."""
        names = [name for name in cls.model_fields if name not in _OF_SCRIPT]
        value = None if handed.shown is None else json.loads(handed.shown)
        return cls(
            **_same(run, names),
            input=run.shown_input,
            output_value=value,
            condition=handed.condition,
            waits=waits,
        )


_OF_SCRIPT = ("input", "output_value", "condition", "waits")


class WatchOut(BaseModel):
    """A watch. `phase` is its status, or `late` while a due slot has not been judged."""

    id: str
    slug: str
    name: str
    description: str
    kind: str
    status: str
    phase: str
    since_at: Instant | None
    schedule: str | None
    schedule_english: str | None
    schedule_fault: str | None
    timezone: str
    starts_at: Instant | None
    start_by_s: int | None
    grace_s: int | None
    finish_by_s: int | None
    slow_after_ms: int | None
    min_duration_ms: int | None
    early_s: int | None
    failures_before_down: int
    successes_before_up: int
    tags: list[str]
    project: str | None
    ping_url: str | None = Field(description="Null for keys without write:watches.")
    next_due_at: Instant | None
    deadline_at: Instant | None
    last_ping_at: Instant | None
    last_ok_at: Instant | None
    last_run: RunOut | None
    resumes_at: Instant | None = Field(
        default=None, description="When it resumes by itself, of one that is paused."
    )
    late: bool
    running: int
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, view: WatchView, pings: str | None) -> Self:
        """Return the shape of a watch; `pings` is where pings go, None where that is not told."""
        return cls(**watch_values(view, pings))


_OF_RECORD = (
    "id", "slug", "name", "description", "kind", "schedule", "timezone", "starts_at", "project",
    "last_ping_at", "created_at", "updated_at",
)  # fmt: skip


def watch_values(view: WatchView, pings: str | None) -> dict[str, Any]:
    """Return the fields that a watch and a job have in common."""
    record, watch = view.record, view.record.watch
    now = phase(watch, view.at)
    return _same(record, _OF_RECORD) | _same(watch.plan, RANGES) | {
        "status": str(watch.status),
        "phase": now,
        "late": now == "late",
        "since_at": watch.since_at,
        "schedule_english": watch.plan.schedule.english() if watch.plan.schedule else None,
        "schedule_fault": record.fault or None,
        "grace_s": watch.plan.start_by_s,
        "tags": list(record.tags),
        "ping_url": pings and pings + record.ping_key,
        "next_due_at": view.next_due_at,
        "deadline_at": view.deadline_at,
        "resumes_at": view.resumes_at,
        "last_ok_at": watch.ok_at,
        "last_run": RunOut.of(view.last_run) if view.last_run else None,
        "running": sum(run.started_at is not None for run in watch.open),
    }  # fmt: skip


class JobOut(WatchOut):
    """A job: its watch, what it does (secrets masked) and its run rules."""

    action: dict[str, Any]
    overlap: str
    catch_up: str
    catch_up_max: int
    catch_up_window_s: int
    max_attempts: int
    backoff_s: int
    lost_run: str
    priority: int
    max_runs: int | None
    reset_on_resume: bool
    concurrency_key: str | None
    concurrency_limit: int
    run_count: int = Field(description="Runs since the last reset.")

    @classmethod
    def made(
        cls, view: WatchView, pings: str | None, action: Mapping[str, Any], job: JobRow
    ) -> Self:
        """Return the shape of a job with its masked action."""
        rules = _same(job.policy, list(Policy.__slots__)) | {"run_count": job.run_count}
        return cls(**watch_values(view, pings), **rules, action=dict(action))


class ProbeOut(WatchOut):
    """A probe: its watch, its target (secrets masked), and who asks how often."""

    target: dict[str, Any]
    rechecks: int
    recheck_after_s: int
    locations: list[str]
    agree: int

    @classmethod
    def made(
        cls, view: WatchView, pings: str | None, target: Mapping[str, Any], spec: probes.ProbeSpec
    ) -> Self:
        """Return the shape of a probe with its masked target."""
        own = _same(spec, ("rechecks", "recheck_after_s", "agree"))
        return cls(
            **watch_values(view, pings), **own, target=dict(target), locations=list(spec.locations)
        )


class GapOut(BaseModel):
    """A time in which nobody here was watching."""

    start_at: Instant
    end_at: Instant


class WindowOut(BaseModel):
    """How a watch did since `from_at`: slots by outcome, and durations of the good ones."""

    name: str
    from_at: Instant
    ok: int
    slow: int
    bad: int
    uptime_percent: float | None
    average_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    gaps: list[GapOut]

    @classmethod
    def of(cls, window: Window) -> Self:
        """Return the shape of a window."""
        tally = window.tally
        shares = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}
        durations: dict[str, Any] = {
            name: tally.percentile_ms(share) for name, share in shares.items()
        }
        return cls(
            **_same(window, ("name", "from_at")),
            **_same(tally, ("ok", "slow", "bad", "uptime_percent", "average_ms")),
            **durations,
            gaps=[GapOut(start_at=gap.start_at, end_at=gap.end_at) for gap in window.gaps],
        )


class StatisticsOut(BaseModel):
    """How a watch did over 24 hours, 7, 30 and 90 days; only what probes asked is counted."""

    windows: list[WindowOut]


class PingOut(BaseModel):
    """One ping as it was heard; `body` is what was kept of `body_bytes`."""

    id: str
    at: Instant
    kind: str
    exit_code: int | None
    rid: str | None
    body: str
    body_bytes: int
    method: str
    scheme: str
    user_agent: str
    remote_ip: str

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Return the shape of a stored ping."""
        return cls(**{name: row[name] for name in cls.model_fields} | {"id": str(row["id"])})


class FlipOut(BaseModel):
    """A change of a watch's status; `event` is what people are told, if anything."""

    id: str
    watch_id: str
    at: Instant
    from_status: str
    to_status: str
    reason: str
    event: str | None

    @classmethod
    def of(cls, flip: FlipRow) -> Self:
        """Return the shape of a flip."""
        names = [name for name in cls.model_fields if name != "event"]
        return cls(**_same(flip, names), event=event_of(flip.from_status, flip.to_status))


class DeliveryOut(BaseModel):
    """One flip to be told to one channel: held, pending, sent, failed or suppressed.

    `hold` is what it waits for, until `due_at`. `bundle_id` is the delivery whose one message
    tells of this flip and others.
    """

    id: str
    flip_id: str | None
    watch_id: str | None
    channel_id: str
    event: str
    state: str
    reason: str
    attempts: int
    created_at: Instant
    settled_at: Instant | None
    hold: str | None
    due_at: Instant | None
    rule_id: str | None
    incident_id: str | None
    bundle_id: str | None

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        """Return the shape of a delivery."""
        return cls(**_same(delivery, list(cls.model_fields)))


class ReceiptOut(BaseModel):
    """What one attempt to deliver got for an answer."""

    attempt: int
    at: Instant
    verdict: str
    status_code: int | None
    detail: str
    duration_ms: int


class DeliveryDetail(DeliveryOut):
    """A delivery with its facts and a receipt per attempt."""

    message: dict[str, Any]
    receipts: list[ReceiptOut]

    @classmethod
    def made(cls, delivery: Delivery, receipts: Sequence[Receipt]) -> Self:
        """Return the shape of a delivery with its receipts."""
        told = [ReceiptOut(**_same(one, list(ReceiptOut.model_fields))) for one in receipts]
        values = _same(delivery, list(DeliveryOut.model_fields))
        return cls(**values, message=delivery.message, receipts=told)


class ChannelOut(BaseModel):
    """A channel; secret settings read `***`."""

    id: str
    name: str
    kind: str
    settings: dict[str, Any]
    enabled: bool
    disabled_reason: str | None
    group_window_s: int
    created_at: Instant

    @classmethod
    def of(cls, channel: ChannelRow, settings: Mapping[str, Any]) -> Self:
        """Return the shape of a channel with its masked settings."""
        return cls(
            **_same(channel, ("id", "name", "kind", "disabled_reason", "created_at")),
            settings=dict(settings),
            enabled=channel.disabled_reason is None,
            group_window_s=group_window_s(channel.kind, channel.group_window_s),
        )


class ChannelMade(ChannelOut):
    """A channel as it is answered when its secrets are new: they are shown this once."""

    secrets: list[str] | None = None


class WorkspaceOut(BaseModel):
    """The workspace of the key; `ping_key` is for pings by slug, null without write:watches.

    `isolation`: how far scripts are kept apart here; `least_isolation`: what the workspace demands.
    `scripts_run_as`: the system user whose files scripts reach, null where they reach nobody's.
    """

    id: int
    name: str
    ping_key: str | None
    scripts_run_as: str | None
    isolation: Level
    least_isolation: Least

    @classmethod
    def of(
        cls, workspace: Workspace, scripts_run_as: str | None, isolation: Level, *, may_ping: bool
    ) -> Self:
        """Return the shape of a workspace."""
        return cls(
            id=workspace.id,
            name=workspace.name,
            ping_key=workspace.ping_key if may_ping else None,
            scripts_run_as=scripts_run_as,
            isolation=isolation,
            least_isolation=workspace.least_isolation,
        )


class PageOf(BaseModel, Generic[T]):
    """One page; `next_cursor` asks for the next, null at the end."""

    data: list[T]
    next_cursor: str | None


class ErrorOut(BaseModel):
    """One bad field."""

    field: str
    message: str


class ProblemOut(BaseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[ErrorOut]
