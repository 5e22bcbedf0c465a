"""Evidence: a run began or ended, told by a ping, a probe or our own runner."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from dogwatch.core.data import replace
from dogwatch.core.result import BAD, GOOD, Outcome
from dogwatch.core.signals import Answer, Finish, Line, Queue, Skip, Start
from dogwatch.core.slots import (
    MAX_WALK,
    STRETCH,
    TICK,
    Attribution,
    Gap,
    Plan,
    attribute,
    early,
    excuse,
    in_gap,
    last_due,
)
from dogwatch.core.watch.silence import silent_lines, wake_at
from dogwatch.core.watch.state import (
    MAX_UNHEARD,
    OpenRun,
    Status,
    Step,
    Watch,
    close_run,
    drop_run,
    find_run,
    judge,
    open_run,
    opening_line,
    remembered,
    swap_run,
)

_JUDGED = GOOD | BAD


def start(watch: Watch, signal: Start, gaps: Sequence[Gap]) -> Step:
    """Open a run, or begin one that waits."""
    known = find_run(watch, signal.id, signal.rid)
    if _counted(watch, signal) or (known and known.started_at == signal.at):
        return Step(watch)
    if known and known.started_at is None:
        return _begin(watch, known, signal.at)
    if known and (signal.rid or watch.job):
        return Step(watch)
    if known and not _moves_on(watch, signal.at):
        return _begin(watch, known, signal.at)
    watch, where, passed = _settle(watch, signal, gaps)
    closed: tuple[Line, ...] = ()
    if known:
        watch, closed = close_run(watch, known, Outcome.UNKNOWN, "started again", signal.at)
    run = OpenRun(
        signal.id,
        signal.rid,
        where.slot_at,
        started_at=signal.at,
        overdue=_stale(watch, signal),
    )
    watch, evicted = open_run(watch, run, signal.at)
    return Step(watch, (*closed, *passed, *evicted, opening_line(run, late=where.late)))


def _begin(watch: Watch, run: OpenRun, at: datetime) -> Step:
    begun = replace(run, started_at=at, overdue=False)
    return Step(swap_run(watch, run, begun), (opening_line(begun),))


def _moves_on(watch: Watch, at: datetime) -> bool:
    """Whether a second start without a rid belongs to a later slot than the open run."""
    owed_at = watch.slot_at
    return owed_at is not None and at >= owed_at - early(watch.plan, owed_at)


def finish(watch: Watch, signal: Finish, gaps: Sequence[Gap]) -> Step:
    """End a run and judge it."""
    counted = f"{_key(watch, signal)}:{_kind(signal.outcome)}"
    if counted in watch.recent:
        return Step(watch)
    run = find_run(watch, signal.id, signal.rid)
    passed: tuple[Line, ...] = ()
    late = False
    if run is not None:
        signal = replace(signal, at=run.end_at(signal.at))
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
    # A run of ours that timed out has its line already.
    lines = () if watch.job and _given_up(watch, signal) else (*passed, line)
    recent = remembered(watch, counted)
    if _stale(watch, signal) or outcome not in _JUDGED:
        return Step(replace(drop_run(watch, run), recent=recent), lines)
    said = _said(outcome)
    heard: dict[str, Any] = {"recent": recent, "heard_at": signal.at, "heard": said}
    if outcome in GOOD:
        heard |= _ok(signal.at, duration_ms)
    watch = drop_run(watch, run)
    if outcome in GOOD and _outlived(watch, signal, gaps):
        return Step(replace(watch, **heard), lines)
    return judge(watch, signal.at, [outcome], reason, lines, heard)


def _kind(outcome: Outcome) -> str:
    """Return as what an end is counted; a run that nobody knows the end of was given up."""
    if outcome is Outcome.UNKNOWN:
        return "timeout"
    return "good" if outcome in GOOD else "bad"


def _said(outcome: Outcome) -> str:
    return "slow" if outcome is Outcome.SLOW else "good" if outcome in GOOD else "bad"


def _settle(
    watch: Watch, signal: Start | Finish, gaps: Sequence[Gap]
) -> tuple[Watch, Attribution, tuple[Line, ...]]:
    """Find the slot of the evidence, move the debt on, and close the slots passed over."""
    where = _attribution(watch, signal)
    if where.owed_at == watch.slot_at and where.slot_at not in watch.unheard and not where.passed:
        return watch, where, ()
    at = signal.at
    passed = where.passed
    lines = silent_lines(watch.plan, passed, at, gaps, "a later one was heard")
    if len(passed) >= MAX_WALK:  # what stands for many is not settled by one that comes late
        passed = passed[MAX_WALK:]
    unheard = tuple(slot for slot in watch.unheard if slot != where.slot_at) + passed
    watch = replace(watch, slot_at=where.owed_at, unheard=unheard[-MAX_UNHEARD:])
    return watch, where, lines


def _counted_from(watch: Watch, signal: Start | Finish) -> Watch:
    """Count a plain interval from the end of a run, not from its start."""
    if watch.job or not watch.plan.relative or watch.status is Status.PAUSED:
        return watch
    if _stale(watch, signal):
        return watch
    counted_at = watch.plan.after(signal.at)
    return replace(watch, slot_at=max(filter(None, (watch.slot_at, counted_at)), default=None))


def _attribution(watch: Watch, signal: Start | Finish) -> Attribution:
    if watch.job or watch.status is Status.PAUSED:
        return Attribution(None, watch.slot_at)
    if _given_up(watch, signal):
        return Attribution(None, _counted_from(watch, signal).slot_at)
    if not watch.begun:
        return _first(watch.plan, watch.slot_at, signal.at)
    where = attribute(watch.plan, watch.slot_at, watch.unheard, signal.at)
    owes_nothing = watch.slot_at is None and _stale(watch, signal)
    return replace(where, owed_at=None) if owes_nothing else where


def _first(plan: Plan, owed_at: datetime | None, at: datetime) -> Attribution:
    """Nothing was owed before the first evidence: it starts the count."""
    if owed_at is None or plan.relative:
        return Attribution(None, plan.after(at))
    slot_at = last_due(plan, max(owed_at, at - plan.grace) - TICK, at)
    if slot_at:
        return Attribution(slot_at, plan.after(slot_at))
    return attribute(plan, plan.after(at) if owed_at <= at else owed_at, (), at)


def _stale(watch: Watch, signal: Start | Finish) -> bool:
    """Whether newer evidence has been judged: the ledger still learns of it, the status not."""
    told_late = signal.told_at is not None
    return told_late and watch.heard_at is not None and signal.at < watch.heard_at


def _outlived(watch: Watch, signal: Finish, gaps: Sequence[Gap]) -> bool:
    """Whether the watch would be down by now even if this had been told in its time.

    It settles its own slot, but silence about a later one is newer than it.
    """
    if signal.told_at is None or watch.status is not Status.DOWN:
        return False
    plan, due_at = watch.plan, wake_at(watch, gaps)
    overdue = due_at is not None and due_at <= signal.told_at
    # The slots of an interval follow from what was heard: those that lapsed would not have been.
    missed = () if plan.relative else watch.unheard
    later = (slot for slot in missed if signal.at < slot - early(plan, slot))
    return overdue or not all(excuse(plan, slot, gaps) for slot in later)


def _verdict(plan: Plan, signal: Finish | Answer, duration_ms: int | None) -> tuple[Outcome, str]:
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
    return (signal.at - run.started_at) // timedelta(milliseconds=1)


def _key(watch: Watch, signal: Start | Finish) -> str:
    """Return what tells this run from others: its id where we gave it, the rid, or the instant."""
    return signal.id if watch.job else signal.rid or f"@{signal.at.isoformat()}"


def _counted(watch: Watch, signal: Start) -> bool:
    """Whether the end of the run has been counted, so that its start comes too late."""
    if signal.rid is None and not watch.job:
        return False
    key = _key(watch, signal)
    return any(f"{key}:{kind}" in watch.recent for kind in ("good", "bad", "timeout"))


def _given_up(watch: Watch, signal: Start | Finish) -> bool:
    """Whether the run has timed out: its end is news, but its slot is settled."""
    named = watch.job or signal.rid is not None
    return named and f"{_key(watch, signal)}:timeout" in watch.recent


def queue(watch: Watch, signal: Queue, gaps: Sequence[Gap]) -> Step:
    """Open a run of ours."""
    if any(run.id == signal.id for run in watch.open):
        return Step(watch)
    run = OpenRun(signal.id, slot_at=signal.slot_at, queued_at=signal.at)
    watch, evicted = open_run(replace(watch, slot_at=signal.next_at), run, signal.at)
    return Step(watch, (*evicted, opening_line(run)))


def skip(watch: Watch, signal: Skip, gaps: Sequence[Gap]) -> Step:
    """Let a slot of ours pass without a run."""
    if watch.slot_at is None or signal.slot_at < watch.slot_at:
        return Step(watch)
    line = Line(None, signal.slot_at, None, signal.outcome, signal.reason, finished_at=signal.at)
    return Step(replace(watch, slot_at=signal.next_at), (line,))


def answer(watch: Watch, signal: Answer, gaps: Sequence[Gap]) -> Step:
    """Settle a slot that our probe asked for; one that is settled already stays as it is."""
    owed_at = watch.slot_at
    if owed_at is None or signal.slot_at < owed_at:
        return Step(watch)
    watch = replace(watch, slot_at=signal.next_at)
    outcome, reason = _verdict(watch.plan, signal, signal.duration_ms)
    line = Line(
        signal.id, signal.slot_at, None, outcome, reason,
        started_at=signal.started_at, finished_at=signal.at, duration_ms=signal.duration_ms,
    )  # fmt: skip
    lines = (*_unasked(watch.plan, owed_at, signal, gaps), line)
    if outcome not in _JUDGED:
        return Step(watch, lines)
    heard: dict[str, Any] = {"heard_at": signal.at, "heard": _said(outcome)}
    if outcome in GOOD:
        heard |= _ok(signal.at, signal.duration_ms)
    return judge(watch, signal.at, [outcome], reason, lines, heard)


def _ok(at: datetime, duration_ms: int | None) -> dict[str, Any]:
    """Return what good evidence changes; how long it took stays as it is where that is not told."""
    return {"ok_at": at} | ({} if duration_ms is None else {"duration_ms": duration_ms})


def _unasked(
    plan: Plan, owed_at: datetime, signal: Answer, gaps: Sequence[Gap]
) -> tuple[Line, ...]:
    """The slots before the one that was asked: one line, which may stand for many."""
    if owed_at >= signal.slot_at:
        return ()
    outcome, reason = Outcome.SKIPPED, "not asked: the one before was still going"
    if in_gap(owed_at, gaps):
        outcome, reason = Outcome.UNKNOWN, "we were not watching"
    if plan.after(owed_at) != signal.slot_at:
        reason = STRETCH
    return (Line(None, owed_at, None, outcome, reason, finished_at=signal.at),)
