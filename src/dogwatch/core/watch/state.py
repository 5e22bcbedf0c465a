"""The state of a watch, every status change there is, and how outcomes are counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from dogwatch.core.data import data, replace
from dogwatch.core.result import BAD, Outcome
from dogwatch.core.signals import Line
from dogwatch.core.slots import Plan

MAX_RECENT = 8
MAX_UNHEARD = 8
MAX_OPEN = 64
# A call waits no longer for its turn at a watch.
TURN = timedelta(seconds=30)
# What ids of flips tell apart.
BREATH = timedelta(milliseconds=1)


class Status(StrEnum):
    """What is stored; `late` and `running` are derived for display (see `phase`)."""

    NEW = "new"
    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    PAUSED = "paused"


class Event(StrEnum):
    """What a signal amounts to, once counted."""

    GOOD = "good"
    SLOW = "slow"
    BAD = "bad"
    PAUSE = "pause"
    RESUME = "resume"
    RESUME_SLOW = "resume slow"
    RESUME_DOWN = "resume down"
    RESTART = "restart"


TABLE: Mapping[tuple[Status, Event], Status] = {
    (Status.NEW, Event.GOOD): Status.UP,
    (Status.NEW, Event.SLOW): Status.DEGRADED,
    (Status.NEW, Event.BAD): Status.DOWN,
    (Status.NEW, Event.PAUSE): Status.PAUSED,
    (Status.UP, Event.SLOW): Status.DEGRADED,
    (Status.UP, Event.BAD): Status.DOWN,
    (Status.UP, Event.PAUSE): Status.PAUSED,
    (Status.DEGRADED, Event.GOOD): Status.UP,
    (Status.DEGRADED, Event.BAD): Status.DOWN,
    (Status.DEGRADED, Event.PAUSE): Status.PAUSED,
    (Status.DOWN, Event.GOOD): Status.UP,
    (Status.DOWN, Event.SLOW): Status.DEGRADED,
    (Status.DOWN, Event.PAUSE): Status.PAUSED,
    (Status.PAUSED, Event.RESUME): Status.UP,
    (Status.PAUSED, Event.RESUME_SLOW): Status.DEGRADED,
    (Status.PAUSED, Event.RESUME_DOWN): Status.DOWN,
    (Status.PAUSED, Event.RESTART): Status.NEW,
}


@data()
class OpenRun:
    """A run that has no outcome yet.

    `overdue`: that it is late is judged no more; it was already, or was forgiven by an edit.
    """

    id: str
    rid: str | None = None
    slot_at: datetime | None = None
    queued_at: datetime | None = None
    started_at: datetime | None = None
    overdue: bool = False

    def end_at(self, at: datetime) -> datetime:
        """Return when it ends if it is said to end at `at`: never before it began."""
        return max(at, self.started_at or at)


@data()
class Watch:
    """The state of one watch. `job`: we run it ourselves, its runs come from our scheduler.

    `heard` says what the evidence of `heard_at` was: good, slow, bad, or nothing yet. `slot_at` is
    the oldest slot still owed; `unheard` the latest slots that ended without
    evidence and may still be settled late; `recent` the run signals already counted.
    """

    plan: Plan
    job: bool = False
    status: Status = Status.NEW
    since_at: datetime | None = None
    slot_at: datetime | None = None
    unheard: tuple[datetime, ...] = ()
    open: tuple[OpenRun, ...] = ()
    recent: tuple[str, ...] = ()
    failures: int = 0
    successes: int = 0
    heard_at: datetime | None = None
    heard: str = ""
    ok_at: datetime | None = None
    duration_ms: int | None = None

    @property
    def running(self) -> bool:
        """Whether a run has begun and not ended, as far as anybody told."""
        return any(run.started_at for run in self.open)

    @property
    def failing(self) -> bool:
        """Whether it failed so often in a row that it is down; of a paused one, underneath."""
        return self.failures >= self.plan.failures_before_down

    @property
    def begun(self) -> bool:
        """Whether there has been any evidence; before that, silence proves nothing."""
        heard = self.heard_at is not None or self.failures > 0 or self.open != ()
        return self.status is not Status.NEW or heard


@dataclass(frozen=True, slots=True)
class Flip:
    """The status changed."""

    from_status: Status
    to_status: Status
    at: datetime
    reason: str


@data()
class Step:
    """What one signal made of a watch."""

    watch: Watch
    lines: tuple[Line, ...] = ()
    flip: Flip | None = None


def judge(
    watch: Watch, at: datetime, outcomes: Sequence[Outcome | None], reason: str,
    lines: tuple[Line, ...], heard: Mapping[str, Any] | None = None,
) -> Step:  # fmt: skip
    """Note what was `heard`, count `outcomes` and turn the watch if they are enough."""
    heard = heard or {}
    if not outcomes:
        return Step(replace(watch, **heard) if heard else watch, lines)
    if outcomes[0] in BAD:
        failures = watch.failures + len(outcomes)
        watch = replace(watch, **heard, failures=failures, successes=0)
        event = Event.BAD if watch.failing else None
        return turn(watch, event, at, reason, lines)
    successes = watch.successes + 1
    down = watch.failing if watch.status is Status.PAUSED else watch.status is Status.DOWN
    enough = not down or successes >= watch.plan.successes_before_up
    still = watch.status is Status.PAUSED and not enough  # its failures tell that it is down
    failures = watch.failures if still else 0
    watch = replace(watch, **heard, successes=successes, failures=failures)
    event = Event.SLOW if outcomes[0] is Outcome.SLOW else Event.GOOD
    return turn(watch, event if enough else None, at, reason, lines)


def turn(
    watch: Watch, event: Event | None, at: datetime, reason: str, lines: tuple[Line, ...]
) -> Step:
    """Turn the watch as the table says."""
    to_status = TABLE.get((watch.status, event), watch.status) if event else watch.status
    if to_status is watch.status:
        return Step(watch, lines)
    if Status.PAUSED in (watch.status, to_status):
        at = _after_the_last(watch, at)
    flip = Flip(watch.status, to_status, at, reason)
    return Step(replace(watch, status=to_status, since_at=at), lines, flip)


def _after_the_last(watch: Watch, at: datetime) -> datetime:
    """Return when a call counts that read the clock before it had its turn: after the last flip.

    A clock that is behind by more than a call waits was put right.
    """
    last_at = watch.since_at
    if last_at is None or last_at - at >= TURN:
        return at
    return max(at, last_at + BREATH)


def find_run(watch: Watch, run_id: str, rid: str | None) -> OpenRun | None:
    """Find the open run a signal speaks of: by run id, by rid, or the one without a rid.

    Of a job, that is one whose start a ping told: its own runs are known by their ids.
    """
    if not watch.open:
        return None
    for run in watch.open:
        if run.id == run_id or (rid is not None and run.rid == rid):
            return run
    if rid is not None:
        return None
    return next((run for run in watch.open if run.rid is None and run.queued_at is None), None)


def open_run(watch: Watch, run: OpenRun, at: datetime) -> tuple[Watch, tuple[Line, ...]]:
    """Open a run; the oldest gives way where there are too many."""
    evicted: tuple[Line, ...] = ()
    if len(watch.open) >= MAX_OPEN and not watch.job:
        watch, evicted = close_run(watch, watch.open[0], Outcome.UNKNOWN, "too many open runs", at)
    return replace(watch, open=(*watch.open, run)), evicted


def close_run(
    watch: Watch, run: OpenRun, outcome: Outcome, reason: str, at: datetime
) -> tuple[Watch, tuple[Line, ...]]:
    """End an open run with `outcome`."""
    line = Line(
        run.id, run.slot_at, run.rid, outcome, reason, run.queued_at, run.started_at,
        run.end_at(at), None,
    )  # fmt: skip
    return drop_run(watch, run), (line,)


def opening_line(run: OpenRun, *, late: bool = False) -> Line:
    """Return the line of a run that is open."""
    return Line(
        run.id,
        run.slot_at,
        run.rid,
        queued_at=run.queued_at,
        started_at=run.started_at,
        late=late,
    )


def drop_run(watch: Watch, run: OpenRun) -> Watch:
    """Forget an open run."""
    if not watch.open:
        return watch
    return replace(watch, open=tuple(other for other in watch.open if other.id != run.id))


def swap_run(watch: Watch, old: OpenRun, new: OpenRun) -> Watch:
    """Put `new` in the place of `old`."""
    return replace(watch, open=tuple(new if run is old else run for run in watch.open))


def remembered(watch: Watch, counted: str) -> tuple[str, ...]:
    """Return what has been counted lately, with this evidence."""
    return (*watch.recent, counted)[-MAX_RECENT:]
