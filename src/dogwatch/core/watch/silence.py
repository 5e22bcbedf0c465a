"""Silence: what has lapsed is judged, and when that will be."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice

from dogwatch.core.data import replace
from dogwatch.core.result import Outcome
from dogwatch.core.signals import Lapse, Line
from dogwatch.core.slots import (
    MAX_WALK,
    REARM_S,
    STRETCH,
    Gap,
    Plan,
    deadline,
    excuse,
    finish_deadline,
    in_gap,
    walk,
)
from dogwatch.core.watch.state import (
    MAX_UNHEARD,
    OpenRun,
    Status,
    Step,
    Watch,
    close_run,
    judge,
    remembered,
    swap_run,
)

# Debian's cron calls a clock that is set by more than this put right: what comes twice runs twice.
CORRECTION = timedelta(hours=3)
UNHEARD = "nothing heard by the deadline"


def armed(watch: Watch) -> bool:
    """Whether silence about the owed slot is judged: never before the first evidence."""
    judged = watch.begun and not watch.job and watch.status is not Status.PAUSED
    return judged and watch.slot_at is not None


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


def lapse(watch: Watch, signal: Lapse, gaps: Sequence[Gap]) -> Step:
    """Judge whatever is overdue by now."""
    if watch.status is Status.PAUSED:
        return Step(watch)
    watch = _rebase(watch, signal.now_at or signal.at)
    owing = armed(watch)
    watch, lines = _lapse_runs(watch, signal.at, gaps)
    bad = [line.outcome or Outcome.MISSED for line in lines if line.outcome is not Outcome.UNKNOWN]
    reason = next((line.reason for line in lines if line.outcome is not Outcome.UNKNOWN), "")
    missed: tuple[Line, ...] = ()
    if owing:
        watch, missed = _lapse_slots(watch, signal.at, gaps, already=len(bad))
    bad += [line.outcome for line in missed if line.outcome is Outcome.MISSED]
    kept = tuple(line for line in lines if line.outcome is not None)
    return judge(watch, signal.at, bad, reason or _silence(missed), kept + missed)


def _lapse_runs(watch: Watch, at: datetime, gaps: Sequence[Gap]) -> tuple[Watch, list[Line]]:
    lines: list[Line] = []
    for run in watch.open:
        until = _run_deadline(watch, run, gaps)
        if until is None or until > at:
            continue
        if run.started_at is None:
            watch = swap_run(watch, run, replace(run, overdue=True))
            lines.append(Line(run.id, run.slot_at, reason="not started in time"))
            continue
        natural = finish_deadline(watch.plan, run.started_at, run.slot_at, job=watch.job)
        unknown = run.overdue or (natural is not None and in_gap(natural, gaps))
        outcome = Outcome.UNKNOWN if unknown else Outcome.TIMEOUT
        watch, closed = close_run(watch, run, outcome, "not finished in time", at)
        watch = replace(watch, recent=remembered(watch, f"{run.rid or run.id}:timeout"))
        lines += closed
    return watch, lines


def _lapse_slots(
    watch: Watch, at: datetime, gaps: Sequence[Gap], *, already: int
) -> tuple[Watch, tuple[Line, ...]]:
    if watch.plan.relative:
        return _lapse_relative(watch, at, gaps, already)
    lines = []
    for slot in islice(walk(watch.plan, watch.slot_at, at), MAX_WALK):
        if deadline(watch.plan, slot, gaps) > at:
            break
        lines.append(silent_line(watch.plan, slot, at, gaps, UNHEARD))
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
        line = silent_line(watch.plan, slot, at, gaps, UNHEARD)
        if gap := excuse(watch.plan, slot, gaps):
            following = watch.plan.after(gap.end_at)
        else:
            failures += 1
            down = watch.status is Status.DOWN or failures >= watch.plan.failures_before_down
            following = None if down else following
        watch = _unhear(watch, slot, following)
        lines.append(line)
    return watch, tuple(lines)


def _rebase(watch: Watch, at: datetime) -> Watch:
    """Undo a wall clock that was ahead: an interval never reaches further than from now.

    Of a calendar the slot after the coming one may be owed, where that was heard early; and by
    less than `CORRECTION` a clock may be set back without undoing what was heard.
    """
    latest = coming = watch.plan.after(at)
    if not watch.plan.relative:
        coming = watch.plan.after(at + CORRECTION)
        latest = watch.plan.after(coming) if coming else None
    if latest and watch.slot_at and watch.slot_at > latest:
        return replace(watch, slot_at=watch.plan.after(at))
    return watch


def _silence(lines: Sequence[Line]) -> str:
    missed = [line for line in lines if line.outcome is Outcome.MISSED]
    return missed[-1].reason if missed else ""


def silent_line(plan: Plan, slot: datetime, at: datetime, gaps: Sequence[Gap], reason: str) -> Line:
    """Return the line of a slot that ended without evidence."""
    if excuse(plan, slot, gaps):
        return Line(None, slot, None, Outcome.UNKNOWN, "we were not listening", finished_at=at)
    return Line(None, slot, None, Outcome.MISSED, reason, finished_at=at)


def silent_lines(
    plan: Plan, slots: Sequence[datetime], at: datetime, gaps: Sequence[Gap], reason: str
) -> tuple[Line, ...]:
    """Return the lines of slots, as `walked` gives them, that ended without evidence."""
    lines = [silent_line(plan, slot, at, gaps, reason) for slot in slots]
    return tuple(stretched(lines))


def stretched(lines: list[Line]) -> list[Line]:
    """Have the last line before a leap of `walked` say that it stands for those leapt over."""
    if len(lines) >= MAX_WALK:
        lines[MAX_WALK - 1] = replace(lines[MAX_WALK - 1], reason=STRETCH)
    return lines


def _unhear(watch: Watch, slot: datetime, owed_at: datetime | None) -> Watch:
    return replace(watch, slot_at=owed_at, unheard=(*watch.unheard, slot)[-MAX_UNHEARD:])


def _run_deadline(watch: Watch, run: OpenRun, gaps: Sequence[Gap]) -> datetime | None:
    if run.started_at is None:
        start_by_s, due_at = watch.plan.start_by_s, run.slot_at or run.queued_at
        if start_by_s is None or run.overdue or due_at is None:
            return None
        return deadline(watch.plan, due_at, gaps)
    if run.overdue and watch.job:
        return None
    until = finish_deadline(watch.plan, run.started_at, run.slot_at, job=watch.job)
    rearm = max(watch.plan.grace, timedelta(seconds=REARM_S))
    for gap in gaps:
        if until and gap.start_at < until and run.started_at < gap.end_at:
            until = max(until, gap.end_at + rearm)
    return until
