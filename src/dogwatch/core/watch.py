"""The one state machine: a watch and a signal in, the watch afterwards and what to write out.

`TABLE` holds every status change there is. `step` decides which event a signal amounts to, keeps
the counters and the ledger lines, and asks the table.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from dogwatch.core.result import BAD, GOOD, Outcome
from dogwatch.core.signals import (
    Edit,
    Finish,
    Lapse,
    Line,
    Pause,
    Queue,
    Resume,
    Signal,
    Skip,
    Start,
)
from dogwatch.core.slots import (
    Attribution,
    Gap,
    Plan,
    attribute,
    deadline,
    finish_deadline,
    in_gap,
    walk,
)

MAX_RECENT = 8
MAX_UNHEARD = 8
MAX_OPEN = 64


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
    (Status.PAUSED, Event.RESTART): Status.NEW,
}


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run that has no outcome yet. `overdue`: its late start has been judged already."""

    id: str
    rid: str | None = None
    slot_at: datetime | None = None
    queued_at: datetime | None = None
    started_at: datetime | None = None
    overdue: bool = False


@dataclass(frozen=True, slots=True)
class Watch:
    """The state of one watch. `job`: we run it ourselves, its runs come from our scheduler.

    `slot_at` is the oldest slot still owed; `unheard` the latest slots that ended without
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


@dataclass(frozen=True, slots=True)
class Flip:
    """The status changed."""

    from_status: Status
    to_status: Status
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Step:
    """What one signal made of a watch."""

    watch: Watch
    lines: tuple[Line, ...] = ()
    flip: Flip | None = None


def create(plan: Plan, at: datetime, *, job: bool = False) -> Watch:
    """Return a new watch; it owes its first slot after `at`."""
    return Watch(plan=plan, job=job, since_at=at, slot_at=plan.after(at))


def step(watch: Watch, signal: Signal, gaps: Sequence[Gap] = ()) -> Step:
    """Return what `signal` makes of `watch`. Pure; the same signal twice changes nothing."""
    return _HANDLERS[type(signal)](watch, signal, gaps)


def armed(watch: Watch) -> bool:
    """Whether silence about the owed slot is judged: never before the first evidence."""
    silent = watch.job or watch.status in {Status.NEW, Status.PAUSED}
    return watch.slot_at is not None and not silent


def wake_at(watch: Watch, gaps: Sequence[Gap] = ()) -> datetime | None:
    """Return the earliest time at which a lapse may change something, None if none can."""
    if watch.status is Status.PAUSED:
        return None
    times = [at for run in watch.open if (at := _run_deadline(watch, run, gaps))]
    if armed(watch) and watch.slot_at:
        times.append(deadline(watch.plan, watch.slot_at, gaps))
    return min(times, default=None)


def phase(watch: Watch, at: datetime) -> str:
    """Return the status as people see it: `late` while a slot is due and not yet judged."""
    if armed(watch) and watch.status is not Status.DOWN and watch.slot_at and watch.slot_at <= at:
        return "late"
    return str(watch.status)


# --- evidence -------------------------------------------------------------------------------


def _start(watch: Watch, signal: Start, gaps: Sequence[Gap]) -> Step:
    known = _find(watch, signal.id, signal.rid)
    if _counted(watch, signal.rid):
        return Step(watch)
    if known and known.started_at is None:
        return _begin(watch, known, signal.at)
    if known and (signal.rid or watch.job):
        return Step(watch)
    if known and not _moves_on(watch, signal.at):
        return _begin(watch, known, signal.at)
    closed: tuple[Line, ...] = ()
    if known:
        watch, closed = _close(watch, known, Outcome.UNKNOWN, "started again", signal.at)
    watch, where, passed = _settle(watch, signal, gaps)
    run = OpenRun(signal.id, signal.rid, where.slot_at, started_at=signal.at)
    watch, evicted = _open(watch, run, signal.at)
    return Step(watch, (*closed, *passed, *evicted, _opened(run, late=where.late)))


def _finish(watch: Watch, signal: Finish, gaps: Sequence[Gap]) -> Step:
    kind = "good" if signal.outcome in GOOD else "bad"
    if _repeated(watch, signal, kind):
        return Step(watch)
    run = _find(watch, signal.id, signal.rid)
    passed: tuple[Line, ...] = ()
    late = False
    if run is not None:
        watch = _counted_from(watch, signal)
    else:
        watch, where, passed = _settle(watch, signal, gaps)
        run, late = OpenRun(signal.id, signal.rid, where.slot_at), where.late
    duration_ms = _duration_ms(run, signal)
    outcome, reason = _verdict(watch.plan, signal, duration_ms)
    line = Line(
        run.id, run.slot_at, run.rid or signal.rid, outcome, reason or ("late" if late else ""),
        run.queued_at, run.started_at, signal.at, duration_ms, late,
    )  # fmt: skip
    stale = _stale(watch, signal)
    watch = _remember(_drop(watch, run), signal.rid, kind)
    if stale or outcome not in GOOD | BAD:
        return Step(watch, (*passed, line))
    watch = replace(watch, heard_at=signal.at, heard=kind)
    if outcome in GOOD:
        watch = replace(watch, ok_at=signal.at, duration_ms=duration_ms)
    return _judge(watch, signal.at, [outcome], reason, (*passed, line))


def _settle(
    watch: Watch, signal: Start | Finish, gaps: Sequence[Gap]
) -> tuple[Watch, Attribution, tuple[Line, ...]]:
    """Find the slot of the evidence, move the debt on, and close the slots passed over."""
    where = _attribution(watch, signal)
    at = signal.at
    unheard = tuple(slot for slot in watch.unheard if slot != where.slot_at) + where.passed
    lines = tuple(_silent(slot, at, gaps, "a later one was heard") for slot in where.passed)
    watch = replace(watch, slot_at=where.owed_at, unheard=unheard[-MAX_UNHEARD:])
    return watch, where, lines


def _counted_from(watch: Watch, signal: Finish) -> Watch:
    """Count a plain interval from the end of a run, not from its start."""
    if watch.job or not watch.plan.relative or watch.slot_at is None or _stale(watch, signal):
        return watch
    return replace(watch, slot_at=watch.plan.after(signal.at))


def _attribution(watch: Watch, signal: Start | Finish) -> Attribution:
    given_up = signal.rid is not None and f"{signal.rid}:timeout" in watch.recent
    if watch.job or given_up or watch.status is Status.PAUSED:
        return Attribution(None, watch.slot_at)
    if watch.status is Status.NEW and not watch.open:
        return _first(watch.plan, watch.slot_at, signal.at)
    where = attribute(watch.plan, watch.slot_at, watch.unheard, signal.at)
    return replace(where, owed_at=watch.slot_at) if _stale(watch, signal) else where


def _first(plan: Plan, owed_at: datetime | None, at: datetime) -> Attribution:
    """Nothing was owed before the first evidence: it starts the count."""
    if owed_at is None or plan.relative:
        return Attribution(None, plan.after(at))
    if owed_at + plan.grace <= at:
        owed_at = plan.after(at - plan.grace)
    return attribute(plan, owed_at, (), at)


def _stale(watch: Watch, signal: Start | Finish) -> bool:
    """Whether newer evidence has been judged: the ledger still learns of it, the status not."""
    return signal.past and watch.heard_at is not None and signal.at < watch.heard_at


def _verdict(plan: Plan, signal: Finish, duration_ms: int | None) -> tuple[Outcome, str]:
    if signal.outcome is not Outcome.OK or duration_ms is None:
        return signal.outcome, signal.reason
    if plan.min_duration_ms is not None and duration_ms < plan.min_duration_ms:
        return Outcome.FAIL, f"took {duration_ms} ms, at least {plan.min_duration_ms} expected"
    if plan.slow_after_ms is not None and duration_ms > plan.slow_after_ms:
        return Outcome.SLOW, f"took {duration_ms} ms, at most {plan.slow_after_ms} expected"
    return Outcome.OK, signal.reason


def _duration_ms(run: OpenRun, signal: Finish) -> int | None:
    if signal.duration_ms is not None or run.started_at is None:
        return signal.duration_ms
    return max(0, (signal.at - run.started_at) // timedelta(milliseconds=1))


# --- our own runs ---------------------------------------------------------------------------


def _queue(watch: Watch, signal: Queue, gaps: Sequence[Gap]) -> Step:
    if any(run.id == signal.id for run in watch.open):
        return Step(watch)
    run = OpenRun(signal.id, slot_at=signal.slot_at, queued_at=signal.at)
    watch, evicted = _open(replace(watch, slot_at=signal.next_at), run, signal.at)
    return Step(watch, (*evicted, _opened(run)))


def _skip(watch: Watch, signal: Skip, gaps: Sequence[Gap]) -> Step:
    line = Line(None, signal.slot_at, None, signal.outcome, signal.reason, finished_at=signal.at)
    return Step(replace(watch, slot_at=signal.next_at), (line,))


# --- silence --------------------------------------------------------------------------------


def _lapse(watch: Watch, signal: Lapse, gaps: Sequence[Gap]) -> Step:
    if watch.status is Status.PAUSED:
        return Step(watch)
    watch = _rebase(watch, signal.at)
    watch, lines = _lapse_runs(watch, signal.at, gaps)
    bad = [line.outcome or Outcome.MISSED for line in lines if line.outcome is not Outcome.UNKNOWN]
    reason = next((line.reason for line in lines if line.outcome is not Outcome.UNKNOWN), "")
    watch, missed = _lapse_slots(watch, signal.at, gaps, already=len(bad))
    bad += [line.outcome for line in missed if line.outcome is Outcome.MISSED]
    kept = tuple(line for line in lines if line.outcome is not None)
    return _judge(watch, signal.at, bad, reason or _silence(missed), kept + missed)


def _lapse_runs(watch: Watch, at: datetime, gaps: Sequence[Gap]) -> tuple[Watch, list[Line]]:
    lines: list[Line] = []
    for run in watch.open:
        until = _run_deadline(watch, run, gaps)
        if until is None or until > at:
            continue
        if run.started_at is None:
            watch = _swap(watch, run, replace(run, overdue=True))
            lines.append(Line(run.id, run.slot_at, reason="not started in time"))
            continue
        natural = finish_deadline(watch.plan, run.started_at, run.slot_at, job=watch.job)
        unknown = natural is not None and in_gap(natural, gaps)
        outcome = Outcome.UNKNOWN if unknown else Outcome.TIMEOUT
        watch, closed = _close(watch, run, outcome, "not finished in time", at)
        watch = _remember(watch, run.rid, "timeout")
        lines += closed
    return watch, lines


def _lapse_slots(
    watch: Watch, at: datetime, gaps: Sequence[Gap], *, already: int
) -> tuple[Watch, tuple[Line, ...]]:
    if not armed(watch) or watch.slot_at is None:
        return watch, ()
    if watch.plan.relative:
        return _lapse_relative(watch, at, gaps, already)
    lines = []
    for slot in walk(watch.plan, watch.slot_at, at):
        if deadline(watch.plan, slot, gaps) > at:
            break
        lines.append(_silent(slot, at, gaps, "nothing heard by the deadline"))
        watch = _unhear(watch, slot, watch.plan.after(slot))
    return watch, tuple(lines)


def _lapse_relative(
    watch: Watch, at: datetime, gaps: Sequence[Gap], already: int
) -> tuple[Watch, tuple[Line, ...]]:
    """A plain interval owes nothing more once it is down: the next evidence starts it anew."""
    lines: list[Line] = []
    failures = watch.failures + already
    while watch.slot_at and deadline(watch.plan, watch.slot_at, gaps) <= at:
        slot, following = watch.slot_at, watch.plan.after(watch.slot_at)
        line = _silent(slot, at, gaps, "nothing heard by the deadline")
        if line.outcome is Outcome.UNKNOWN:
            following = watch.plan.after(max(gap.end_at for gap in gaps if gap.holds(slot)))
        else:
            failures += 1
            down = watch.status is Status.DOWN or failures >= watch.plan.failures_before_down
            following = None if down else following
        watch = _unhear(watch, slot, following)
        lines.append(line)
    return watch, tuple(lines)


def _rebase(watch: Watch, at: datetime) -> Watch:
    """Undo a wall clock that was ahead: an interval never reaches further than from now."""
    if watch.plan.relative and watch.slot_at and watch.plan.schedule:
        latest = watch.plan.schedule.after(at)
        if latest and watch.slot_at > latest:
            return replace(watch, slot_at=latest)
    return watch


def _silence(lines: Sequence[Line]) -> str:
    missed = [line for line in lines if line.outcome is Outcome.MISSED]
    return missed[-1].reason if missed else ""


def _silent(slot: datetime, at: datetime, gaps: Sequence[Gap], reason: str) -> Line:
    if in_gap(slot, gaps):
        return Line(None, slot, None, Outcome.UNKNOWN, "we were not listening", finished_at=at)
    return Line(None, slot, None, Outcome.MISSED, reason, finished_at=at)


def _unhear(watch: Watch, slot: datetime, owed_at: datetime | None) -> Watch:
    return replace(watch, slot_at=owed_at, unheard=(*watch.unheard, slot)[-MAX_UNHEARD:])


def _run_deadline(watch: Watch, run: OpenRun, gaps: Sequence[Gap]) -> datetime | None:
    if run.started_at is None:
        start_by_s, due_at = watch.plan.start_by_s, run.slot_at or run.queued_at
        if start_by_s is None or run.overdue or due_at is None:
            return None
        return deadline(watch.plan, due_at, gaps)
    until = finish_deadline(watch.plan, run.started_at, run.slot_at, job=watch.job)
    rearm = max(watch.plan.grace, timedelta(seconds=60))
    for gap in gaps:
        if until and gap.start_at < until and run.started_at < gap.end_at:
            until = max(until, gap.end_at + rearm)
    return until


# --- pause, resume, edit --------------------------------------------------------------------


def _pause(watch: Watch, signal: Pause, gaps: Sequence[Gap]) -> Step:
    if watch.status is Status.PAUSED:
        return Step(watch)
    lines: tuple[Line, ...] = ()
    for run in () if watch.job else watch.open:
        watch, closed = _close(watch, run, Outcome.SUPPRESSED, "paused", signal.at)
        lines += closed
    lines += _suppress(watch, signal.at, "paused")
    watch = replace(watch, slot_at=None)
    return _turn(watch, Event.PAUSE, signal.at, "paused", lines)


def _resume(watch: Watch, signal: Resume, gaps: Sequence[Gap]) -> Step:
    if watch.status is not Status.PAUSED:
        return Step(watch)
    event = Event.RESUME if watch.heard_at else Event.RESTART
    slot_at = watch.plan.after(signal.at)
    # A run of ours that was opened before the pause keeps running, but is late for nobody now.
    still = tuple(replace(run, overdue=True) for run in watch.open)
    watch = replace(watch, slot_at=slot_at, unheard=(), failures=0, successes=0, open=still)
    return _turn(watch, event, signal.at, "resumed", ())


def _edit(watch: Watch, signal: Edit, gaps: Sequence[Gap]) -> Step:
    before, after = watch.plan, signal.plan
    watch = replace(watch, plan=after)
    same = (before.schedule, before.start_by_s) == (after.schedule, after.start_by_s)
    if same or watch.status is Status.PAUSED:
        return Step(watch)
    lines = _suppress(watch, signal.at, "schedule changed")
    return Step(replace(watch, slot_at=after.after(signal.at), unheard=()), lines)


def _suppress(watch: Watch, at: datetime, reason: str) -> tuple[Line, ...]:
    if not armed(watch) or watch.slot_at is None or watch.slot_at > at:
        return ()
    return tuple(
        Line(None, slot, None, Outcome.SUPPRESSED, reason, finished_at=at)
        for slot in walk(watch.plan, watch.slot_at, at)
    )


# --- counting and turning -------------------------------------------------------------------


def _judge(
    watch: Watch, at: datetime, outcomes: Sequence[Outcome | None], reason: str,
    lines: tuple[Line, ...],
) -> Step:  # fmt: skip
    """Count `outcomes` and turn the watch if they are enough."""
    if watch.status is Status.PAUSED or not outcomes:
        return Step(watch, lines)
    if outcomes[0] in BAD:
        watch = replace(watch, failures=watch.failures + len(outcomes), successes=0)
        event = Event.BAD if watch.failures >= watch.plan.failures_before_down else None
        return _turn(watch, event, at, reason, lines)
    watch = replace(watch, successes=watch.successes + 1, failures=0)
    enough = watch.status is not Status.DOWN or watch.successes >= watch.plan.successes_before_up
    event = Event.SLOW if outcomes[0] is Outcome.SLOW else Event.GOOD
    return _turn(watch, event if enough else None, at, reason, lines)


def _turn(
    watch: Watch, event: Event | None, at: datetime, reason: str, lines: tuple[Line, ...]
) -> Step:
    to_status = TABLE.get((watch.status, event), watch.status) if event else watch.status
    if to_status is watch.status:
        return Step(watch, lines)
    flip = Flip(watch.status, to_status, at, reason)
    return Step(replace(watch, status=to_status, since_at=at), lines, flip)


# --- open runs and repeated signals ----------------------------------------------------------


def _find(watch: Watch, run_id: str, rid: str | None) -> OpenRun | None:
    """Find the open run a signal speaks of: by run id, by rid, or the one without a rid."""
    for run in watch.open:
        if run.id == run_id or (rid is not None and run.rid == rid):
            return run
    if rid is not None or watch.job:
        return None
    return next((run for run in watch.open if run.rid is None), None)


def _moves_on(watch: Watch, at: datetime) -> bool:
    """Whether a second start without a rid belongs to a later slot than the open run."""
    if watch.slot_at is None:
        return False
    return attribute(watch.plan, watch.slot_at, (), at).slot_at is not None


def _begin(watch: Watch, run: OpenRun, at: datetime) -> Step:
    begun = replace(run, started_at=at)
    return Step(_swap(watch, run, begun), (_opened(begun),))


def _open(watch: Watch, run: OpenRun, at: datetime) -> tuple[Watch, tuple[Line, ...]]:
    evicted: tuple[Line, ...] = ()
    if len(watch.open) >= MAX_OPEN and not watch.job:
        watch, evicted = _close(watch, watch.open[0], Outcome.UNKNOWN, "too many open runs", at)
    return replace(watch, open=(*watch.open, run)), evicted


def _close(
    watch: Watch, run: OpenRun, outcome: Outcome, reason: str, at: datetime
) -> tuple[Watch, tuple[Line, ...]]:
    line = Line(
        run.id, run.slot_at, run.rid, outcome, reason, run.queued_at, run.started_at, at, None
    )
    return _drop(watch, run), (line,)


def _opened(run: OpenRun, *, late: bool = False) -> Line:
    return Line(
        run.id,
        run.slot_at,
        run.rid,
        queued_at=run.queued_at,
        started_at=run.started_at,
        late=late,
    )


def _drop(watch: Watch, run: OpenRun) -> Watch:
    return replace(watch, open=tuple(other for other in watch.open if other.id != run.id))


def _swap(watch: Watch, old: OpenRun, new: OpenRun) -> Watch:
    return replace(watch, open=tuple(new if run is old else run for run in watch.open))


def _remember(watch: Watch, rid: str | None, kind: str) -> Watch:
    if rid is None:
        return watch
    return replace(watch, recent=(*watch.recent, f"{rid}:{kind}")[-MAX_RECENT:])


def _counted(watch: Watch, rid: str | None) -> bool:
    return rid is not None and any(
        f"{rid}:{kind}" in watch.recent for kind in ("good", "bad", "timeout")
    )


def _repeated(watch: Watch, signal: Finish, kind: str) -> bool:
    if signal.rid is not None:
        return f"{signal.rid}:{kind}" in watch.recent
    return signal.at == watch.heard_at and kind == watch.heard and not watch.job


_HANDLERS: Mapping[type, Callable[[Watch, Any, Sequence[Gap]], Step]] = {
    Start: _start,
    Finish: _finish,
    Queue: _queue,
    Skip: _skip,
    Lapse: _lapse,
    Pause: _pause,
    Resume: _resume,
    Edit: _edit,
}
