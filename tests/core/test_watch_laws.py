"""Laws of the state machine: true of every plan and every sequence of signals."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from dogwatch.core.result import BAD, Outcome
from dogwatch.core.schedule import parse
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
from dogwatch.core.slots import Gap, Plan, deadline, early, in_gap
from dogwatch.core.watch import (
    TABLE,
    Status,
    Step,
    Watch,
    armed,
    create,
    phase,
    step,
    underneath,
    wake_at,
)
from dogwatch.core.watch.state import MAX_OPEN, MAX_RECENT, MAX_UNHEARD

S = timedelta(seconds=1)
# Winter, and the days on which clocks go forward and back in the zones below.
STARTS = [
    datetime(2026, 1, 5, tzinfo=UTC),
    datetime(2026, 3, 28, 22, tzinfo=UTC),
    datetime(2026, 10, 24, 22, tzinfo=UTC),
    datetime(2026, 4, 4, 14, 30, tzinfo=UTC),
]
CRONS = [
    parse("0 * * * *"),
    parse("*/10 * * * *"),
    parse("30 2 * * *", "Europe/Berlin"),
    parse("*/30 1-3 * * *", "Europe/Berlin"),
    parse("15,45 * * * *", "Australia/Lord_Howe"),
    parse("0 0 * * *\n0 12 * * *", "America/New_York"),
]
INTERVALS = [parse("every 30s"), parse("every 10m"), parse("every 60m"), parse("every 1d")]
SETTINGS = settings(max_examples=50, deadline=None, derandomize="CI" in os.environ)
LIVES = settings(SETTINGS, max_examples=25)


@dataclass(frozen=True)
class Played:
    """One signal, the watch before it, and the step that came of it."""

    before: Watch
    signal: Signal
    step: Step
    gaps: tuple[Gap, ...]

    def __repr__(self) -> str:
        lines = [f"{line.slot_at} {line.outcome} {line.reason}" for line in self.step.lines]
        return f"{self.signal} -> {self.step.watch.status} {self.step.watch.slot_at} {lines}"


def plans(schedules: Sequence[object]) -> st.SearchStrategy[Plan]:
    return st.builds(
        Plan,
        schedule=st.sampled_from(schedules),
        start_by_s=st.sampled_from([0, 10, 60, 300, 3600]),
        finish_by_s=st.sampled_from([None, None, 30, 600, 7200]),
        slow_after_ms=st.sampled_from([None, 60_000]),
        min_duration_ms=st.sampled_from([None, 1_000]),
        early_s=st.sampled_from([None, None, 0, 30]),
        failures_before_down=st.sampled_from([1, 1, 2, 3]),
        successes_before_up=st.sampled_from([1, 1, 2]),
    )


PLANS = plans([*CRONS, *INTERVALS, None])
RIDS = st.sampled_from([None, None, "a", "b", "c"])
OUTCOMES = st.sampled_from([Outcome.OK, Outcome.OK, Outcome.FAIL, Outcome.SKIPPED])
# Seconds from the signal before; "slot" is the owed due time, "wake" the next deadline.
JUMPS = st.one_of(
    st.sampled_from([0, 1, 20, 55, 300, 600, 1800, 3600, 7200]),
    st.tuples(st.sampled_from(["slot", "wake"]), st.sampled_from([-20, -1, 0, 1, 40])),
)
LATENESS = st.sampled_from([0, 0, 0, 1, 90, 1800, 4000])
HEARTBEATS = ["ok", "ok", "start", "finish", "lapse", "lapse", "wake", "pause", "resume", "edit"]
JOBS = ["queue", "queue", "skip", "start", "finish", "finish", "lapse", "wake", "pause", "resume",
        "edit"]  # fmt: skip


@st.composite
def plays(
    draw: st.DrawFn,
    kinds: Sequence[str] = HEARTBEATS,
    *,
    job: bool = False,
    plan: st.SearchStrategy[Plan] = PLANS,
    outages: bool = True,
) -> list[Played]:
    """Draw a plan and signals in the order of their arrival, and play them."""
    watch = create(draw(plan), draw(st.sampled_from(STARTS)), job=job)
    at = watch.since_at or STARTS[0]
    gaps: tuple[Gap, ...] = ()
    played: list[Played] = []
    for number in range(draw(st.integers(1, 25))):
        then, at = at, _jump(watch, gaps, at, draw(JUMPS))
        if outages and at > then and draw(st.integers(0, 7)) == 0:
            gaps = (*gaps, Gap(then + (at - then) / 3, at))
        signal = _draw_signal(draw, watch, draw(st.sampled_from(kinds)), at, f"run{number}", plan)
        played.append(Played(watch, signal, step(watch, signal, gaps), gaps))
        watch = played[-1].step.watch
    return played


def _jump(
    watch: Watch, gaps: tuple[Gap, ...], at: datetime, jump: int | tuple[str, int]
) -> datetime:
    if isinstance(jump, int):
        return at + jump * S
    towards, seconds = jump
    goal = watch.slot_at if towards == "slot" else wake_at(watch, gaps)
    return max(at, goal + seconds * S) if goal else at


def _draw_signal(
    draw: st.DrawFn, watch: Watch, kind: str, at: datetime, name: str, plan: st.SearchStrategy[Plan]
) -> Signal:
    if watch.job:
        return _draw_job_signal(draw, watch, kind, at, name, plan)
    lateness = draw(LATENESS)
    match kind:
        case "ok":
            return Finish(at, name)
        case "start":
            told_at = at if lateness else None
            return Start(at - lateness * S, name, draw(RIDS), told_at)
        case "finish":
            told_at = at if lateness else None
            return Finish(at - lateness * S, name, draw(OUTCOMES), draw(RIDS), told_at=told_at)
    return _draw_common(draw, kind, at, plan)


def _draw_job_signal(
    draw: st.DrawFn, watch: Watch, kind: str, at: datetime, name: str, plan: st.SearchStrategy[Plan]
) -> Signal:
    slot, paused = watch.slot_at, watch.status is Status.PAUSED
    fires = slot is not None and slot <= at and not paused
    if kind == "skip" and fires and slot:
        return Skip(at, slot, watch.plan.after(slot), Outcome.SKIPPED, "still going")
    if kind == "queue" and fires and slot:
        return Queue(at, name, slot, watch.plan.after(slot))
    if kind in {"queue", "skip"}:
        return Queue(at, name, None, slot)
    run_id = draw(st.sampled_from([run.id for run in watch.open] or [name]))
    if kind == "start":
        return Start(at, run_id)
    if kind == "finish":
        return Finish(at, run_id, draw(OUTCOMES))
    return _draw_common(draw, kind, at, plan)


def _draw_common(draw: st.DrawFn, kind: str, at: datetime, plan: st.SearchStrategy[Plan]) -> Signal:
    match kind:
        case "pause":
            return Pause(at)
        case "resume":
            return Resume(at)
        case "edit":
            return Edit(at, draw(plan))
    return Lapse(at)


ANY = st.one_of(plays(), plays(JOBS, job=True))


def _next(watch: Watch) -> datetime | None:
    """Return the earliest time of a call after the last flip."""
    return watch.since_at and watch.since_at + S / 1000


def _judged_at(each: Played) -> datetime:
    """Return the time of a signal; the end of a run counts as of its start at the earliest."""
    ended = [line for line in each.step.lines if line.outcome and line.started_at]
    began = [line.started_at for line in ended if isinstance(each.signal, Finish)]
    return max([each.signal.at, *filter(None, began)])


# --- statuses and flips -----------------------------------------------------------------------


@SETTINGS
@given(ANY)
def test_a_flip_is_a_change_of_status_and_flips_chain(played: list[Played]) -> None:
    for each in played:
        flip, before, after = each.step.flip, each.before.status, each.step.watch.status
        assert (flip is not None) == (before is not after)
        if flip:
            assert (flip.from_status, flip.to_status) == (before, after)
            assert flip.at == each.step.watch.since_at
            called = Status.PAUSED in (before, after)
            assert flip.at == _judged_at(each) or (called and flip.at == _next(each.before))


@SETTINGS
@given(ANY)
def test_every_change_of_status_is_in_the_table(played: list[Played]) -> None:
    allowed = {(before, after) for (before, _), after in TABLE.items()}
    flips = [each.step.flip for each in played if each.step.flip]
    assert {(flip.from_status, flip.to_status) for flip in flips} <= allowed


@SETTINGS
@given(ANY)
def test_what_is_kept_is_bounded(played: list[Played]) -> None:
    for each in played:
        watch = each.step.watch
        assert watch.job or len(watch.open) <= MAX_OPEN
        assert len(watch.recent) <= MAX_RECENT
        assert len(watch.unheard) <= MAX_UNHEARD


@SETTINGS
@given(ANY)
def test_the_counters_match_the_thresholds(played: list[Played]) -> None:
    for each in played:
        watch, flip = each.step.watch, each.step.flip
        counted_underneath = watch.status is Status.PAUSED and watch.failing
        assert watch.failures == 0 or watch.successes == 0 or counted_underneath
        if flip and flip.to_status is Status.DOWN:
            assert watch.failures >= watch.plan.failures_before_down
        if flip and flip.from_status is Status.DOWN and flip.to_status in {"up", "degraded"}:
            assert watch.successes >= watch.plan.successes_before_up


@SETTINGS
@given(ANY)
def test_pause_and_edit_never_turn_a_watch_down(played: list[Played]) -> None:
    for each in played:
        if isinstance(each.signal, Pause | Edit) and each.step.flip:
            assert each.step.flip.to_status is not Status.DOWN


@SETTINGS
@given(ANY)
def test_a_watch_is_resumed_as_its_evidence_says(played: list[Played]) -> None:
    for each in played:
        flip, watch = each.step.flip, each.before
        if isinstance(each.signal, Resume) and flip:
            assert watch.since_at
            silent = watch.heard_at is None or watch.heard_at <= watch.since_at
            if silent and watch.failures >= watch.plan.failures_before_down:
                assert flip.to_status is Status.DOWN
            assert flip.to_status not in {Status.UP, Status.DEGRADED} or watch.ok_at is not None
            assert flip.to_status is underneath(watch)


@SETTINGS
@given(ANY)
def test_a_pause_alone_makes_nothing_better(played: list[Played]) -> None:
    better = {
        Status.NEW: {Status.UP, Status.DEGRADED},
        Status.DEGRADED: {Status.UP},
        Status.DOWN: set(Status) - {Status.DOWN},
    }
    at = max(each.signal.at for each in played) + S
    for each in played:
        before = each.step.watch
        resumed = step(step(before, Pause(at)).watch, Resume(at + S)).watch
        if before.status is not Status.PAUSED:
            assert resumed.status not in better.get(before.status, set())


@SETTINGS
@given(ANY)
def test_nothing_from_before_an_edit_or_a_resume_is_judged_later(played: list[Played]) -> None:
    """Judged by the limits that were edited: by the schedule and what hangs on it."""
    for each in played:
        old, new = each.before.plan, each.step.watch.plan
        limits = [(plan.schedule, plan.start_by_s) for plan in (old, new)]
        resumed = isinstance(each.signal, Resume) and each.step.flip
        if resumed or limits[0] != limits[1]:
            lapsed = step(each.step.watch, Lapse(each.signal.at), each.gaps)
            assert lapsed.flip is None
            assert not {line.outcome for line in lapsed.lines} & BAD


@SETTINGS
@given(ANY)
def test_a_run_from_before_an_edit_of_its_limit_never_times_out(played: list[Played]) -> None:
    for each in played:
        if each.before.plan.finish_by_s != each.step.watch.plan.finish_by_s:
            lapsed = step(each.step.watch, Lapse(each.signal.at + 10**5 * S), each.gaps)
            ended = {line.run_id for line in lapsed.lines if line.outcome is Outcome.TIMEOUT}
            assert not ended & {run.id for run in each.before.open}


@SETTINGS
@given(ANY)
def test_a_paused_watch_waits_for_nothing(played: list[Played]) -> None:
    for each in played:
        watch = each.step.watch
        if watch.status is Status.PAUSED:
            assert wake_at(watch, each.gaps) is None
            assert step(watch, Lapse(each.signal.at + 10**5 * S), each.gaps) == Step(watch)


# --- time -------------------------------------------------------------------------------------


@SETTINGS
@given(plays())
def test_a_scheduled_heartbeat_always_has_something_to_wake_for(played: list[Played]) -> None:
    """A down interval alone may owe nothing: the next evidence starts it anew."""
    for each in played:
        watch = each.step.watch
        if watch.plan.schedule is None or watch.status in {Status.NEW, Status.PAUSED}:
            continue
        owes_nothing = watch.status is Status.DOWN and watch.plan.relative
        assert owes_nothing or wake_at(watch, each.gaps) is not None


@SETTINGS
@given(ANY, st.sampled_from([0, 1, 60, 3000, 10**5]))
def test_a_lapse_before_the_wake_changes_nothing_and_at_it_something(
    played: list[Played], seconds: int
) -> None:
    """What is overdue by now is judged by one lapse; from then on `wake_at` is exact."""
    now = max(each.signal.at for each in played)
    watch, gaps = played[-1].step.watch, played[-1].gaps
    lapsed = step(watch, Lapse(now), gaps).watch
    due_at = wake_at(watch, gaps)
    assert (lapsed != watch) == (due_at is not None and due_at <= now)
    wake = wake_at(lapsed, gaps)
    before = now + seconds * S if wake is None else min(now + seconds * S, wake - S / 10**6)
    assert step(lapsed, Lapse(before), gaps) == Step(lapsed)
    if wake:
        assert wake > now
        assert step(lapsed, Lapse(wake), gaps).watch != lapsed


@SETTINGS
@given(ANY)
def test_the_same_signal_twice_changes_nothing(played: list[Played]) -> None:
    for each in played:
        after = each.step.watch
        assert step(after, each.signal, each.gaps) == Step(after)


@SETTINGS
@given(plays())
def test_evidence_older_than_what_was_heard_changes_no_status(played: list[Played]) -> None:
    for each in played:
        signal, heard_at = each.signal, each.before.heard_at
        told_late = isinstance(signal, Start | Finish) and signal.told_at
        if told_late and heard_at and _judged_at(each) < heard_at:
            after = each.step.watch
            assert (after.status, after.heard_at) == (each.before.status, heard_at)
            assert (after.failures, after.successes) == (each.before.failures,
                                                         each.before.successes)  # fmt: skip
            assert after.slot_at == each.before.slot_at or after.slot_at is not None


@SETTINGS
@given(plays())
def test_what_is_told_late_recovers_nothing_that_is_overdue(played: list[Played]) -> None:
    for each in played:
        signal, after = each.signal, each.step.watch
        if isinstance(signal, Finish) and signal.told_at and each.step.flip:
            flip = each.step.flip
            lapsed = step(after, Lapse(signal.told_at), each.gaps)
            assert flip.from_status is not Status.DOWN or not lapsed.flip


@SETTINGS
@given(plays())
def test_a_watch_shows_late_only_between_due_and_judged(played: list[Played]) -> None:
    for each in played:
        watch, at = each.step.watch, each.signal.at
        slot = watch.slot_at
        late = slot and slot <= at and armed(watch) and watch.status is not Status.DOWN
        assert phase(watch, at) == ("late" if late else str(watch.status))


# --- the ledger -------------------------------------------------------------------------------


def lines_of(played: Sequence[Played]) -> Iterator[Line]:
    return (line for each in played for line in each.step.lines)


@SETTINGS
@given(ANY)
def test_a_run_is_closed_once(played: list[Played]) -> None:
    ended: set[str] = set()
    for line in lines_of(played):
        if line.run_id and line.outcome:
            assert line.run_id not in ended
            ended.add(line.run_id)
    open_ids = {run.id for run in played[-1].step.watch.open}
    begun = {line.run_id for line in lines_of(played) if line.run_id and not line.outcome}
    assert open_ids == begun - ended


@SETTINGS
@given(ANY)
def test_no_run_ends_before_it_began(played: list[Played]) -> None:
    for line in lines_of(played):
        if line.started_at and line.finished_at:
            assert line.finished_at >= line.started_at
            assert line.duration_ms is None or line.duration_ms >= 0


@SETTINGS
@given(ANY)
def test_a_slot_ends_once_unless_late_evidence_takes_its_place(played: list[Played]) -> None:
    ends: dict[datetime, Line] = {}
    late: set[str | None] = set()
    for line in lines_of(played):
        if line.late:
            late.add(line.run_id)
        if line.slot_at is None or line.outcome is None:
            continue
        before = ends.get(line.slot_at)
        if before:
            assert line.run_id in late
            assert before.run_id is None
            assert before.outcome in {Outcome.MISSED, Outcome.UNKNOWN}
        ends[line.slot_at] = line


@SETTINGS
@given(plays(plan=plans(CRONS)))
def test_slots_are_fire_times(played: list[Played]) -> None:
    for each in played:
        schedule = each.before.plan.schedule
        settled = {run.slot_at for run in each.before.open} | set(each.before.unheard)
        for line in each.step.lines:
            if line.slot_at and line.slot_at not in settled and schedule:
                assert schedule.after(line.slot_at - S) == line.slot_at


@SETTINGS
@given(plays(plan=plans(CRONS)))
def test_the_ledger_has_no_holes(played: list[Played]) -> None:
    """From one owed slot to the next that is owed, every slot got a line."""
    for each in played:
        before, after = each.before, each.step.watch
        edited = isinstance(each.signal, Edit | Pause | Resume)
        if edited or before.slot_at is None or after.slot_at is None or not armed(before):
            continue
        lines = {line.slot_at for line in each.step.lines}
        slot: datetime | None = before.slot_at
        while slot and slot < after.slot_at:
            assert slot in lines
            slot = before.plan.after(slot)
        assert slot == after.slot_at


# --- alarms, true and false -------------------------------------------------------------------


@st.composite
def beats(draw: st.DrawFn, plan: Plan, start: datetime, jitters: bool) -> list[datetime]:
    """Draw the times of evidence for twelve slots, each within its window."""
    found, slot = [], plan.after(start)
    for _ in range(12):
        assert slot is not None
        share = draw(st.integers(-99, 99)) / 100 if jitters else 0
        found.append(slot + early(plan, slot) * share)
        slot = plan.after(slot)
    return found


def live(
    watch: Watch, evidence: Sequence[datetime], until: datetime, gaps: Sequence[Gap] = ()
) -> Iterator[Step]:
    """Play evidence with a sweeper that wakes at each deadline; a gap is known when it ends."""
    for number, at in enumerate([*evidence, until]):
        known = [gap for gap in gaps if gap.end_at <= at]
        while (wake := wake_at(watch, known)) is not None and wake < at:
            wake = max([wake, *(gap.end_at for gap in gaps if gap.holds(wake))])
            known = [gap for gap in gaps if gap.end_at <= max(at, wake)]
            result = step(watch, Lapse(wake), known)
            if result.watch == watch:
                break
            watch = result.watch
            yield result
        if number < len(evidence) and not in_gap(at, gaps):
            result = step(watch, Finish(at, f"{at:%d%H%M%S%f}"), known)
            watch = result.watch
            yield result


@LIVES
@given(st.data(), plans(CRONS), st.sampled_from(STARTS))
def test_a_beat_a_little_early_or_late_is_no_alarm(
    data: st.DataObject, plan: Plan, start: datetime
) -> None:
    plan = replace(plan, min_duration_ms=None, early_s=None)
    evidence = data.draw(beats(plan, start, jitters=True))
    steps = list(live(create(plan, start), evidence, evidence[-1]))
    assert {each.watch.status for each in steps} == {Status.UP}
    settled = [line.slot_at for each in steps for line in each.lines]
    assert settled == plan.schedule.next(12, start) if plan.schedule else False


GAPS = st.lists(st.tuples(st.integers(0, 11), st.integers(-900, 900), st.integers(8, 9000)))


@LIVES
@given(st.data(), plans([*CRONS, *INTERVALS]), st.sampled_from(STARTS), GAPS)
def test_our_own_outage_is_not_theirs(
    data: st.DataObject, plan: Plan, start: datetime, outages: list[tuple[int, int, int]]
) -> None:
    """A heart that beats on time is never down, and one that falls silent is, in the end."""
    plan = replace(plan, min_duration_ms=None)
    evidence = data.draw(beats(plan, start, jitters=False))
    gaps = _apart(
        Gap(evidence[index] + offset * S, evidence[index] + (offset + length) * S)
        for index, offset, length in outages
    )
    steps = list(live(create(plan, start), evidence, evidence[-1] + S, gaps))
    assert all(each.watch.status in {Status.NEW, Status.UP} for each in steps)
    if steps and steps[-1].watch.status is Status.UP:
        silence = live(steps[-1].watch, [], evidence[-1] + 60 * timedelta(days=1), gaps)
        assert any(each.watch.status is Status.DOWN for each in silence)


NEAR = st.integers(1, 900)


@LIVES
@given(st.data(), plans(CRONS), st.sampled_from(STARTS), st.integers(1, 10), NEAR, NEAR)
def test_what_others_heard_meanwhile_is_no_alarm(
    data: st.DataObject, plan: Plan, start: datetime, index: int, before: int, behind: int
) -> None:
    """Wherever in its window a beat comes, it may be told elsewhere; the others come on time."""
    plan = replace(plan, min_duration_ms=None, early_s=None, failures_before_down=1)
    evidence = data.draw(beats(plan, start, jitters=False))
    at = evidence[index] = data.draw(beats(plan, start, jitters=True))[index]
    gaps = [Gap(at - before * S, at + behind * S, elsewhere=True)]
    steps = list(live(create(plan, start), evidence, evidence[-1] + S, gaps))
    assert all(each.watch.status in {Status.NEW, Status.UP} for each in steps)


def _apart(gaps: Iterator[Gap]) -> list[Gap]:
    """Keep the gaps that begin after the one before ended, as ours are recorded."""
    kept: list[Gap] = []
    for gap in sorted(gaps, key=lambda gap: gap.start_at):
        if not kept or kept[-1].end_at < gap.start_at:
            kept.append(gap)
    return kept


@SETTINGS
@given(plans([*CRONS, *INTERVALS]), st.sampled_from(STARTS), st.integers(0, 10**5))
def test_silence_turns_a_heartbeat_down_at_its_deadline(
    plan: Plan, start: datetime, seconds: int
) -> None:
    plan = replace(plan, failures_before_down=1)
    watch = step(create(plan, start), Finish(start + seconds * S, "run")).watch
    assert watch.slot_at is not None
    until = deadline(plan, watch.slot_at)
    assert step(watch, Lapse(until - S)) == Step(watch)
    assert step(watch, Lapse(until)).watch.status is Status.DOWN
