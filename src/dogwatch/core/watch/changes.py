"""Pause, resume and edit: no silence is judged for the time before them."""

from collections.abc import Sequence
from datetime import datetime

from dogwatch.core.data import replace
from dogwatch.core.result import Outcome
from dogwatch.core.signals import Edit, Line, Pause, Resume
from dogwatch.core.slots import Gap, early, walked
from dogwatch.core.watch.silence import armed, stretched
from dogwatch.core.watch.state import TABLE, Event, Status, Step, Watch, close_run, turn


def pause(watch: Watch, signal: Pause, gaps: Sequence[Gap]) -> Step:
    """Expect nothing more; what is due or open is suppressed."""
    if watch.status is Status.PAUSED:
        return Step(watch)
    lines: tuple[Line, ...] = ()
    for run in () if watch.job else watch.open:
        watch, closed = close_run(watch, run, Outcome.SUPPRESSED, "paused", signal.at)
        lines += closed
    lines += _suppress(watch, signal.at, "paused")
    watch = replace(watch, slot_at=None)
    if watch.status is Status.DOWN:  # with successes too few to bring it up, too
        least = watch.plan.failures_before_down
        watch = replace(watch, failures=max(watch.failures, least), successes=0)
    if watch.status is Status.DEGRADED:  # with failures too few to take it down, too
        watch = replace(watch, heard="slow")
    return turn(watch, Event.PAUSE, signal.at, "paused", lines)


def resume(watch: Watch, signal: Resume, gaps: Sequence[Gap]) -> Step:
    """Expect again, from now on; it is as its last evidence says, never better."""
    if watch.status is not Status.PAUSED:
        return Step(watch)
    if signal.fresh:
        watch = replace(watch, heard_at=None, heard="", ok_at=None, failures=0)
    event, failures, reason = _evidence(watch)
    watch = replace(forgive(watch), slot_at=_owed(watch, signal.at), unheard=())
    return turn(replace(watch, failures=failures, successes=0), event, signal.at, reason, ())


def underneath(watch: Watch) -> Status:
    """Return what a watch is apart from a pause: as what it would be resumed."""
    paused = watch.status is Status.PAUSED
    return TABLE[Status.PAUSED, _evidence(watch)[0]] if paused else watch.status


def _evidence(watch: Watch) -> tuple[Event, int, str]:
    """Return what a paused watch is resumed as, with how many failures in a row, and why.

    What was heard during the pause counts as ever: enough failures in a row, and it is down, until
    there were enough successes. One that was never heard well is not up.
    """
    if watch.failing:
        heard_at, paused_at = watch.heard_at, watch.since_at
        meanwhile = heard_at is not None and paused_at is not None and heard_at > paused_at
        failed = meanwhile and watch.heard == "bad"
        told = "it failed during the pause" if failed else "it was down before the pause"
        return Event.RESUME_DOWN, watch.failures, f"resumed; {told}"
    if not watch.ok_at:
        return Event.RESTART, 0, "resumed"
    return Event.RESUME_SLOW if watch.heard == "slow" else Event.RESUME, 0, "resumed"


def edit(watch: Watch, signal: Edit, gaps: Sequence[Gap]) -> Step:
    """Take the new plan; what it judges begins now."""
    before, after = watch.plan, signal.plan
    edited = replace(watch, plan=after)
    if before.finish_by_s != after.finish_by_s:
        edited = forgive(edited)
    if watch.status is Status.PAUSED and watch.failing != edited.failing:
        least = after.failures_before_down  # another measure makes it neither better nor worse
        edited = replace(edited, failures=least if watch.failing else least - 1)
    same = (before.schedule, before.start_by_s) == (after.schedule, after.start_by_s)
    if same or watch.status is Status.PAUSED:
        return Step(edited)
    lines = _suppress(watch, signal.at, "schedule changed")
    edited = replace(forgive(edited), unheard=())
    ahead = watch.slot_at is not None and watch.slot_at > signal.at
    if ahead and before.schedule == after.schedule:
        return Step(edited, lines)
    return Step(replace(edited, slot_at=_owed(edited, signal.at)), lines)


def forgive(watch: Watch) -> Watch:
    """Runs that were open before may end as they like: when, is judged no more."""
    return replace(watch, open=tuple(replace(run, overdue=True) for run in watch.open))


def _owed(watch: Watch, at: datetime) -> datetime | None:
    """Return the first slot after `at`, or the second if the first was heard early already."""
    plan = watch.plan
    owed_at = plan.after(at)
    if owed_at is None or plan.relative or watch.job:
        return owed_at
    heard = watch.heard_at is not None and watch.heard_at >= owed_at - early(plan, owed_at)
    held = any(run.slot_at == owed_at for run in watch.open)
    return plan.after(owed_at) if heard or held else owed_at


def _suppress(watch: Watch, at: datetime, reason: str) -> tuple[Line, ...]:
    if not armed(watch) or watch.slot_at is None or watch.slot_at > at:
        return ()
    lines = [
        Line(None, slot, None, Outcome.SUPPRESSED, reason, finished_at=at)
        for slot in walked(watch.plan, watch.slot_at, at)
    ]
    return tuple(stretched(lines))
