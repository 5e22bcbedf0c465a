"""The state machine, told as scripts: minute and signal in, statuses and flips out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dogwatch.core.result import Outcome
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
from dogwatch.core.slots import Gap, Plan
from dogwatch.core.watch import (
    TABLE,
    Event,
    Status,
    Step,
    Watch,
    create,
    phase,
    step,
    underneath,
    wake_at,
)
from dogwatch.core.watch.state import MAX_OPEN

T0 = datetime(2026, 1, 5, tzinfo=UTC)
HOURLY = Plan(schedule=parse("every 60m"), start_by_s=300)
CRON = Plan(schedule=parse("0 * * * *"), start_by_s=300)


def minute(value: str | float) -> datetime:
    return T0 + timedelta(minutes=float(value))


def signal(word: str, at: datetime, name: str, now_at: datetime) -> Signal:
    """`ok`, `fail`, `start`, `lapse`, `pause`, `resume`; `ok/r1` with a run id, `~ok` told now."""
    told_at = now_at if word.startswith("~") else None
    kind, _, rid = word.removeprefix("~").partition("/")
    match kind:
        case "ok":
            return Finish(at, name, Outcome.OK, rid or None, told_at=told_at)
        case "fail":
            return Finish(at, name, Outcome.FAIL, rid or None, "it failed", told_at=told_at)
        case "start":
            return Start(at, name, rid or None, told_at)
        case "lapse":
            return Lapse(at)
        case "pause":
            return Pause(at)
        case "resume":
            return Resume(at)
    raise AssertionError(word)


def play(script: str, plan: Plan = HOURLY, gaps: tuple[Gap, ...] = ()) -> tuple[Watch, list[Step]]:
    """Play `"0 ok, 64 lapse"` (minute and signal) on a new watch."""
    watch, steps, now_at = create(plan, T0 - timedelta(seconds=1)), [], T0
    for number, entry in enumerate(script.split(", ")):
        at, word = entry.split()
        now_at = max(now_at, minute(at))
        steps.append(step(watch, signal(word, minute(at), f"run{number}", now_at), gaps))
        watch = steps[-1].watch
    return watch, steps


def told(steps: list[Step]) -> str:
    """Return `"up! up down!"`: the status after each signal, `!` where it flipped."""
    return " ".join(f"{each.watch.status}{'!' if each.flip else ''}" for each in steps)


def ledger(steps: list[Step]) -> str:
    """Return the lines settled, `"01:00 ok, 02:00 missed, - fail"`; a late one has a `+`."""
    lines = [line for each in steps for line in each.lines if line.outcome]
    return ", ".join(f"{_slot(line)} {line.outcome}{'+' if line.late else ''}" for line in lines)


def _slot(line: Line) -> str:
    return f"{line.slot_at:%H:%M}" if line.slot_at else "-"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("0 ok, 64 lapse, 65 lapse", "up! up down!"),
        ("0 ok, 64 ok, 128 ok", "up! up up"),
        ("0 ok, 65 lapse, 70 ok", "up! down! up!"),
        ("0 ok, 65 lapse, 130 lapse, 200 lapse", "up! down! down down"),
        ("0 fail", "down!"),
        ("0 fail, 1 fail, 2 ok", "down! down up!"),
        ("500 lapse", "new"),
        ("0 start, 500 lapse", "new down!"),
        ("0 start, 10 ok, 74 lapse, 75 lapse", "new up! up down!"),
        ("0 pause, 500 lapse, 501 ok", "paused! paused paused"),
        ("0 ok, 1 pause, 500 lapse, 501 resume, 565 lapse, 566 lapse",
         "up! paused! paused up! up down!"),
        ("0 pause, 1 resume", "paused! new!"),
        ("0 ok, 1 pause, 2 pause, 3 resume, 4 resume", "up! paused! paused up! up"),
        # resumed as its evidence says: down stays down until it is heard well again
        ("0 fail, 1 pause, 2 resume", "down! paused! down!"),
        ("0 ok, 65 lapse, 66 pause, 90 resume, 91 ok", "up! down! paused! down! up!"),
        ("0 fail, 1 pause, 2 ok, 3 resume", "down! paused! paused up!"),
        ("0 ok, 1 pause, 2 fail, 3 resume", "up! paused! paused down!"),
        ("0 start, 500 lapse, 501 pause, 502 resume", "new down! paused! down!"),
        # down, a late end arms it again
        ("0 start/a, 65 lapse, 70 ok/a, 134 lapse, 135 lapse", "new down! up! up down!"),
        ("0 ok, 60 start/a, 185 lapse, 186 ok/a, 250 lapse, 251 lapse",
         "up! up down! up! up down!"),
        # the end of an older run takes nothing from a newer one
        ("0 start/a, 50 ok, 10 ok/a, 114 lapse, 115 lapse", "new up! up up down!"),
        # an old end does not
        ("0 ok, 65 lapse, 66 ok, 131 lapse, 10 ~ok, 900 lapse", "up! down! up! down! down down"),
        # a second start soon after the first is the same run
        ("0 start, 1 start, 2 ok, 62 ok", "new new up! up"),
    ],
)  # fmt: skip
def test_interval(script: str, expected: str) -> None:
    assert told(play(script)[1]) == expected


@pytest.mark.parametrize(
    ("script", "expected", "lines"),
    [
        ("1 ok, 60.5 ok, 120 ok", "up! up up", "00:00 ok, 01:00 ok, 02:00 ok"),
        ("1 ok, 64.9 lapse, 65 lapse", "up! up down!", "00:00 ok, 01:00 missed"),
        # 10 s early, within the grace, is not early at all
        ("1 ok, 59.8 ok, 65 lapse, 119.8 ok", "up! up up up", "00:00 ok, 01:00 ok, 02:00 ok"),
        # half an hour early is another run: the slot is still owed
        ("1 ok, 30 ok, 65 lapse", "up! up down!", "00:00 ok, - ok, 01:00 missed"),
        # late: settles that slot and recovers, the next slot is still owed
        ("1 ok, 65 lapse, 70 ok, 125 lapse", "up! down! up! down!",
         "00:00 ok, 01:00 missed, 01:00 ok+, 02:00 missed"),
        # late, yet before the sweeper came
        ("1 ok, 70 ok, 125 lapse", "up! up down!", "00:00 ok, 01:00 ok, 02:00 missed"),
        # down, every slot is still kept in the ledger
        ("1 ok, 65 lapse, 185 lapse", "up! down! down",
         "00:00 ok, 01:00 missed, 02:00 missed, 03:00 missed"),
        # slots passed over by a later run
        ("1 ok, 181 ok", "up! up", "00:00 ok, 01:00 missed, 02:00 missed, 03:00 ok"),
        # the first evidence starts the count, long after the watch was made
        ("600.5 ok, 665 lapse", "up! down!", "10:00 ok, 11:00 missed"),
        # told later with its own time: the slot is settled, the newer status stays
        ("1 ok, 65 lapse, 62 ~ok", "up! down! up!", "00:00 ok, 01:00 missed, 01:00 ok+"),
        ("1 ok, 121 fail, 61 ~ok", "up! down! down",
         "00:00 ok, 01:00 missed, 02:00 fail, 01:00 ok+"),
        # so does silence about a later slot: it is newer than what is told
        ("1 ok, 65 lapse, 125 lapse, 61 ~ok, 181 ok", "up! down! down down up!",
         "00:00 ok, 01:00 missed, 02:00 missed, 01:00 ok+, 03:00 ok"),
        # and silence that is about to be judged: nobody is told of a recovery that is over
        ("1 ok, 65 lapse, 130 resume, 61 ~ok, 131 lapse", "up! down! down down down",
         "00:00 ok, 01:00 missed, 01:00 ok+, 02:00 missed"),
        # the later slot was begun in time: nothing is silent
        ("1 ok, 65 lapse, 120 start/b, 125 lapse, 61 ~ok", "up! down! down down up!",
         "00:00 ok, 01:00 missed, 01:00 ok+"),
        # a pause owes nothing and a due slot is not judged
        ("1 ok, 61 pause, 200 lapse, 210 resume, 244 lapse, 245 lapse",
         "up! paused! paused up! up down!", "00:00 ok, 01:00 suppressed, 04:00 missed"),
        # two in a row after a miss: the second is nobody's, not that of an older slot
        ("1 ok, 65 lapse, 125 lapse, 130 ok, 131 ok", "up! down! down up! up",
         "00:00 ok, 01:00 missed, 02:00 missed, 02:00 ok+, - ok"),
        # early, then resumed or paused and resumed: not owed twice
        ("1 ok, 59.8 ok, 59.9 pause, 59.95 resume, 66 lapse", "up! up paused! up! up",
         "00:00 ok, 01:00 ok"),
        # the first, long before and long after a slot
        ("590 ok", "up!", "- ok"),
        # out of order by a moment, though not told late, or at one moment: all count
        ("1 ok, 0.9 fail", "up! down!", "00:00 ok, - fail"),
        ("1 ok, 1 ~fail/b", "up! down!", "00:00 ok, - fail"),
        # heard at the very moment it is due
        ("60 ok, 125 lapse", "up! down!", "01:00 ok, 02:00 missed"),
        # due at the moment of the pause
        ("1 ok, 60 pause", "up! paused!", "00:00 ok, 01:00 suppressed"),
        # told twice, both times late: counted once
        ("1 ok, 65 lapse, 125 ok, 62 ~ok, 62 ~ok", "up! down! up! up up",
         "00:00 ok, 01:00 missed, 02:00 ok, 01:00 ok+"),
        # a start told late opens a run that nobody is blamed for
        ("1 ok, 121 ok, 61 ~start/a, 186 lapse", "up! up up down!",
         "00:00 ok, 01:00 missed, 02:00 ok, 01:00 unknown, 03:00 missed"),
    ],
)  # fmt: skip
def test_cron(script: str, expected: str, lines: str) -> None:
    _, steps = play(script, CRON)
    assert (told(steps), ledger(steps)) == (expected, lines)


@pytest.mark.parametrize(
    ("script", "expected", "lines"),
    [
        ("0 ok/a, 0 ok/a, 1 ok/a", "up! up up", "00:00 ok"),
        ("0 fail/a, 1 fail/a", "down! down", "00:00 fail"),
        ("0 ok, 0 ok", "up! up", "00:00 ok"),
        # a retried start after its own success opens nothing
        ("0 start/a, 2 ok/a, 3 start/a, 64 lapse", "new up! up up", "00:00 ok"),
        # overlapping runs are told apart
        ("0 start/a, 61 start/b, 62 ok/b, 63 ok/a", "new new up! up", "01:00 ok, 00:00 ok"),
        # a start repeated much later is still the same run
        ("0 start/a, 60 start/a, 61 ok/a", "new new up!", "00:00 ok"),
        # a start a little early is the next run
        ("0 start, 59.8 start, 60 ok", "new new up!", "00:00 unknown, 01:00 ok"),
        # a start without an end times out, its late end settles no other slot
        ("0 ok/x, 60 start/a, 125 lapse, 126 ok/a", "up! up down! up!",
         "00:00 ok, 01:00 timeout, 02:00 missed, - ok"),
        # without run ids, a second start is the same run until its slot has passed
        ("0 start, 1 start, 2 ok", "new new up!", "00:00 ok"),
        ("0 start, 60 start, 61 ok", "new new up!", "00:00 unknown, 01:00 ok"),
        # what was sent before and arrives after
        ("0 ok, 60.1 ok/b, 60 ~start/b", "up! up up", "00:00 ok, 01:00 ok"),
    ],
)  # fmt: skip
def test_run_ids(script: str, expected: str, lines: str) -> None:
    _, steps = play(script, CRON)
    assert (told(steps), ledger(steps)) == (expected, lines)


@pytest.mark.parametrize(
    ("failures", "successes", "script", "expected"),
    [
        (2, 1, "0 ok, 1 fail, 2 fail, 3 ok", "up! up down! up!"),
        (2, 1, "0 ok, 1 fail, 2 ok, 3 fail", "up! up up up"),
        (1, 2, "0 fail, 1 ok, 2 ok", "down! down up!"),
        (1, 2, "0 fail, 1 ok, 2 fail, 3 ok, 4 ok", "down! down down down up!"),
        # a resumed watch begins to count anew
        (2, 1, "0 ok, 1 fail, 2 pause, 3 resume, 4 fail", "up! up paused! up! up"),
        # never better than it was: what was never heard well is not up, what was down stays so
        (3, 1, "0 fail, 1 pause, 2 resume", "new paused! new!"),
        (3, 1, "0 pause, 1 fail, 2 resume", "paused! paused new!"),
        (3, 1, "0 fail, 1 pause, 2 ok, 3 resume", "new paused! paused up!"),
        (1, 2, "0 fail, 1 ok, 2 pause, 3 resume", "down! down paused! down!"),
        # what is heard during a pause counts as ever, in a row
        (3, 1, "0 ok, 1 pause, 2 fail, 3 fail, 4 resume", "up! paused! paused paused up!"),
        (2, 1, "0 ok, 1 pause, 2 fail, 3 fail, 4 resume", "up! paused! paused paused down!"),
        (
            3,
            1,
            "0 ok, 1 fail, 2 fail, 3 pause, 4 ok, 5 fail, 6 resume",
            "up! up up paused! paused paused up!",
        ),
        (1, 2, "0 fail, 1 pause, 2 ok, 3 resume", "down! paused! paused down!"),
        (1, 2, "0 fail, 1 pause, 2 ok, 3 ok, 4 resume", "down! paused! paused paused up!"),
        (
            1,
            2,
            "0 fail, 1 pause, 2 ok, 3 fail, 4 ok, 5 resume",
            "down! paused! paused paused paused down!",
        ),
        (3, 1, "0 ok, 184 lapse, 185 lapse", "up! up down!"),
        # the first success is enough where nothing was down
        (1, 2, "0 ok", "up!"),
        # a first failure below the threshold begins it: from then on, silence counts
        (2, 1, "0 fail, 65 lapse", "new down!"),
        (3, 1, "0 ok, 65 lapse, 124 lapse, 125 lapse, 185 lapse", "up! up up up down!"),
    ],
)
def test_thresholds(failures: int, successes: int, script: str, expected: str) -> None:
    plan = replace(HOURLY, failures_before_down=failures, successes_before_up=successes)
    assert told(play(script, plan)[1]) == expected


@pytest.mark.parametrize(("failed", "least"), [(2, 5), (1, 1)])
def test_another_measure_during_a_pause_makes_it_neither_better_nor_worse(
    failed: int, least: int
) -> None:
    plan = replace(HOURLY, failures_before_down=2)
    script = ", ".join(f"{at} fail" for at in range(1, failed + 1))
    watch, _ = play(f"0 ok, {script}, 8 pause", plan)
    before = underneath(watch)
    edited = step(watch, Edit(minute(9), replace(plan, failures_before_down=least))).watch
    assert step(edited, Resume(minute(10))).watch.status is underneath(edited) is before


@pytest.mark.parametrize(
    ("limits", "script", "expected"),
    [
        ({"slow_after_ms": 60_000}, "0 start, 1 ok, 60 start, 61.1 ok, 121 ok",
         "new up! up degraded! up!"),
        ({"slow_after_ms": 60_000}, "0 fail, 1 start, 3 ok", "down! down degraded!"),
        ({"slow_after_ms": 60_000}, "1 start, 3 ok, 4 pause, 5 resume",
         "new degraded! paused! degraded!"),
        ({"slow_after_ms": 60_000, "failures_before_down": 2},
         "1 start, 3 ok, 4 fail, 5 pause, 6 resume", "new degraded! degraded paused! degraded!"),
        ({"min_duration_ms": 60_000}, "0 start, 0.5 ok", "new down!"),
        ({"min_duration_ms": 60_000}, "0 start, 1 ok", "new up!"),
        # a first run that timed out begins the watch, too
        ({"finish_by_s": 60, "failures_before_down": 2}, "0 start/a, 1 lapse, 65 lapse",
         "new new down!"),
        ({"finish_by_s": 7200}, "0 start/a, 64 lapse, 65 lapse", "new new down!"),
        ({"min_duration_ms": 0}, "1 start/a, 0.5 ok/a", "new up!"),
        ({"finish_by_s": 600}, "0 start, 9.9 lapse, 10 lapse", "new new down!"),
        ({"early_s": 0}, "1 ok, 59.9 ok, 65 lapse", "up! up down!"),
    ],
)  # fmt: skip
def test_limits(limits: dict[str, int], script: str, expected: str) -> None:
    assert told(play(script, replace(CRON, **limits))[1]) == expected  # type: ignore[arg-type]  # ints all


@pytest.mark.parametrize("rid", ["", "/a"])
def test_a_run_that_is_told_to_have_ended_before_it_began_ends_as_it_begins(rid: str) -> None:
    watch, steps = play(f"0 ok, 60 start{rid}, 1 ~ok{rid}", CRON)
    (line,) = steps[-1].lines
    assert (line.started_at, line.finished_at, line.duration_ms) == (minute(60), minute(60), 0)
    assert (watch.heard_at, watch.open) == (minute(60), ())


def test_the_oldest_of_too_many_open_runs_gives_way() -> None:
    watch, steps = play(", ".join(f"0 start/{number}" for number in range(MAX_OPEN + 1)))
    assert len(watch.open) == MAX_OPEN
    assert ledger(steps) == "- unknown"


def test_runs_of_ours_never_give_way() -> None:
    watch = job()
    for number in range(MAX_OPEN + 1):
        watch = step(watch, Queue(minute(0), f"r{number}", None, minute(60))).watch
    assert len(watch.open) == MAX_OPEN + 1


# --- our own outages --------------------------------------------------------------------------


def gap(start: float, end: float, *, elsewhere: bool = False) -> tuple[Gap, ...]:
    return (Gap(minute(start), minute(end), elsewhere),)


@pytest.mark.parametrize(
    ("plan", "script", "outage", "expected", "lines"),
    [
        # the slot lies in the outage: nobody can say
        (CRON, "1 ok, 70 lapse, 125 lapse", gap(59, 64), "up! up down!",
         "00:00 ok, 01:00 unknown, 02:00 missed"),
        # it is judged only after the re-armed deadline, and evidence until then counts
        (CRON, "1 ok, 68 lapse, 68.5 ok", gap(59, 64), "up! up up", "00:00 ok, 01:00 ok"),
        # the slot was before the outage: re-armed, then missed
        (CRON, "1 ok, 68.9 lapse, 69 lapse", gap(61, 64), "up! up down!",
         "00:00 ok, 01:00 missed"),
        # others listened meanwhile, and may have heard: nobody can say
        (CRON, "1 ok, 68.9 lapse, 69 lapse, 125 lapse", gap(61, 64, elsewhere=True),
         "up! up up down!", "00:00 ok, 01:00 unknown, 02:00 missed"),
        (CRON, "1 ok, 65 lapse", gap(56, 57, elsewhere=True), "up! up", "00:00 ok, 01:00 unknown"),
        (CRON, "1 ok, 65 lapse", gap(52, 55, elsewhere=True), "up! down!",
         "00:00 ok, 01:00 missed"),
        (HOURLY, "0 ok, 128.9 lapse, 129 lapse", gap(61, 64, elsewhere=True), "up! up down!",
         "- ok, 01:00 unknown, 02:04 missed"),
        # an outage at another time changes nothing
        (CRON, "1 ok, 65 lapse", gap(20, 40), "up! down!", "00:00 ok, 01:00 missed"),
        # an interval is owed anew, from the end of the outage, and then a miss is a miss
        (HOURLY, "0 ok, 130 lapse, 190 lapse", gap(50, 65), "up! down! down",
         "- ok, 01:00 unknown, 02:05 missed"),
        # nobody can say of the later slot: what is told of the one before it recovers
        (CRON, "1 ok, 65 lapse, 126 lapse, 61 ~ok", gap(119, 121), "up! down! down up!",
         "00:00 ok, 01:00 missed, 02:00 unknown, 01:00 ok+"),
        # a run that should have ended in the outage: nobody can say
        (replace(CRON, finish_by_s=600), "0 start, 30 lapse", gap(8, 12), "new new",
         "00:00 unknown"),
        # a run that was under way in the outage has time to tell
        (replace(CRON, finish_by_s=600), "0 start, 14.4 lapse, 14.5 lapse", gap(9, 9.5),
         "new new down!", "00:00 timeout"),
    ],
)  # fmt: skip
def test_our_own_outage_is_not_theirs(
    plan: Plan, script: str, outage: tuple[Gap, ...], expected: str, lines: str
) -> None:
    _, steps = play(script, plan, outage)
    assert (told(steps), ledger(steps)) == (expected, lines)


def test_a_clock_set_back_does_not_push_an_interval_away() -> None:
    watch, _ = play("600 ok")
    watch = step(watch, Lapse(minute(480))).watch
    assert watch.slot_at == minute(540)
    assert wake_at(watch) == minute(545)


@pytest.mark.parametrize(
    ("script", "back_to", "owed"),
    [("6000 ok", 480, 540), ("600 ok", 480, 660), ("600 ok", 400, 660), ("600 ok", 359, 360)],
)
def test_a_clock_put_right_by_hours_leaves_no_calendar_waiting(
    script: str, back_to: float, owed: float
) -> None:
    watch, _ = play(script, CRON)
    watch = step(watch, Lapse(minute(back_to))).watch
    assert watch.slot_at == minute(owed)


# --- edits ------------------------------------------------------------------------------------


def test_an_edit_judges_nothing_before_it() -> None:
    watch, _ = play("1 ok", CRON)
    stricter = replace(CRON, start_by_s=0)
    edited = step(watch, Edit(minute(61), stricter))
    assert [(line.slot_at, line.outcome) for line in edited.lines] == [
        (minute(60), Outcome.SUPPRESSED)
    ]
    assert edited.watch.slot_at == minute(120)
    assert step(edited.watch, Lapse(minute(119))) == Step(edited.watch)
    assert step(edited.watch, Lapse(minute(120))).watch.status is Status.DOWN


def test_an_edit_of_other_limits_keeps_the_owed_slot() -> None:
    watch, _ = play("1 ok", CRON)
    edited = step(watch, Edit(minute(61), replace(CRON, failures_before_down=2)))
    assert edited == Step(replace(watch, plan=edited.watch.plan))


@pytest.mark.parametrize(
    "script", ["0 ok, 1 start/a, 200 lapse", "0 fail, 1 fail, 2 ok, 200 lapse"]
)
def test_an_interval_that_is_down_owes_nothing(script: str) -> None:
    """A timeout counts towards the threshold; once down, one miss is enough."""
    plan = replace(HOURLY, failures_before_down=2, successes_before_up=2)
    watch, steps = play(script, plan)
    assert (watch.status, watch.slot_at) == (Status.DOWN, None)
    assert ledger(steps).count("missed") == 1


def test_a_slot_from_before_the_watch_is_never_settled() -> None:
    _, steps = play("-0.008 ok", replace(CRON, start_by_s=7200))
    assert ledger(steps) == "00:00 ok"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("0 ok, 65 lapse, 126 resume, 62 ~ok, 127 lapse", "up! down! down up! down!"),
        ("0 ok, 65 lapse, 127 resume, 62 ~ok, 127 lapse", "up! down! down down down"),
    ],
)
def test_an_interval_told_late_counts_from_its_own_time(script: str, expected: str) -> None:
    assert told(play(script)[1]) == expected


def test_old_news_does_not_arm_an_interval_that_is_down() -> None:
    watch, _ = play("0 ok, 65 lapse, 66 ok, 131 lapse, 10 ~ok")
    assert (watch.status, watch.slot_at) == (Status.DOWN, None)


def test_an_edit_of_the_grace_does_not_owe_again_what_was_heard_early() -> None:
    watch, _ = play("1 ok, 59.8 ok", CRON)
    edited = step(watch, Edit(minute(59.9), replace(CRON, start_by_s=0)))
    assert edited.watch.slot_at == minute(120)


def test_an_edit_of_the_schedule_does_not_owe_again_what_was_heard_early() -> None:
    watch, _ = play("1 ok, 59.8 ok", CRON)
    plan = replace(CRON, schedule=parse("0,30 * * * *"))
    assert step(watch, Edit(minute(59.9), plan)).watch.slot_at == minute(90)


def test_an_edit_of_the_schedule_does_not_owe_again_what_was_begun_early() -> None:
    watch, _ = play("1 ok, 59.8 start/a", CRON)
    plan = replace(CRON, schedule=parse("0,30 * * * *"))
    assert step(watch, Edit(minute(59.9), plan)).watch.slot_at == minute(90)


def test_what_an_edit_suppresses_were_slots_of_the_old_schedule() -> None:
    watch, _ = play("1 ok", replace(CRON, start_by_s=7200))
    edited = step(watch, Edit(minute(121), replace(CRON, schedule=parse("30 * * * *"))))
    assert [line.slot_at for line in edited.lines] == [minute(60), minute(120)]
    assert edited.watch.slot_at == minute(150)


def test_a_run_from_before_an_edit_of_its_limit_ends_unknown() -> None:
    watch, _ = play("1 ok, 60 start/a", CRON)
    edited = step(watch, Edit(minute(90), replace(CRON, finish_by_s=60))).watch
    lapsed = step(edited, Lapse(minute(91)))
    assert [line.outcome for line in lapsed.lines] == [Outcome.UNKNOWN]
    assert lapsed.flip is None


def test_a_first_evidence_with_a_long_grace_closes_no_slot_before_it() -> None:
    _, steps = play("600.5 ok", replace(CRON, start_by_s=86_400))
    assert ledger(steps) == "10:00 ok"


# --- our own runs -----------------------------------------------------------------------------


def job(start_by_s: int | None = None) -> Watch:
    return create(replace(CRON, start_by_s=start_by_s), minute(-1), job=True)


def test_a_run_of_ours_is_settled_by_its_id() -> None:
    queued = step(job(), Queue(minute(0), "r1", minute(0), minute(60)))
    assert queued.lines == (Line("r1", minute(0), queued_at=minute(0)),)
    assert queued.watch.slot_at == minute(60)
    started = step(queued.watch, Start(minute(1), "r1"))
    finished = step(started.watch, Finish(minute(2), "r1"))
    assert (finished.lines[0].slot_at, finished.lines[0].outcome) == (minute(0), Outcome.OK)
    assert finished.lines[0].duration_ms == 60_000
    assert finished.watch.status is Status.UP
    assert finished.watch.open == ()


def test_a_job_is_not_judged_by_silence_alone() -> None:
    queued = step(job(), Queue(minute(0), "r1", minute(0), minute(60))).watch
    assert wake_at(queued) is None
    assert step(queued, Lapse(minute(500))) == Step(queued)


def test_a_run_that_does_not_start_in_time_is_told_once_and_may_still_end() -> None:
    queued = step(job(300), Queue(minute(0), "r1", minute(0), minute(60))).watch
    assert wake_at(queued) == minute(5)
    late = step(queued, Lapse(minute(5)))
    assert (late.watch.status, late.lines) == (Status.DOWN, ())
    assert late.flip is not None
    assert late.flip.reason == "not started in time"
    assert step(late.watch, Lapse(minute(6))) == Step(late.watch)
    done = step(step(late.watch, Start(minute(7), "r1")).watch, Finish(minute(8), "r1"))
    assert done.watch.status is Status.UP


def test_a_skipped_slot_has_its_line_and_flips_nothing() -> None:
    skip = Skip(minute(0), minute(0), minute(60), Outcome.SKIPPED, "still going")
    skipped = step(job(), skip)
    assert skipped.flip is None
    assert skipped.lines[0].outcome is Outcome.SKIPPED
    assert skipped.watch.slot_at == minute(60)


def test_a_cancelled_run_changes_no_status() -> None:
    queued = step(job(), Queue(minute(0), "r1", None, minute(60))).watch
    ended = step(queued, Finish(minute(1), "r1", Outcome.SKIPPED, reason="cancelled"))
    assert (ended.watch.status, ended.flip) == (Status.NEW, None)
    assert ended.lines[0].outcome is Outcome.SKIPPED


def test_a_slot_is_skipped_once() -> None:
    skip = Skip(minute(0), minute(0), minute(60), Outcome.SKIPPED, "still going")
    skipped = step(job(), skip).watch
    assert step(skipped, skip) == Step(skipped)


def test_a_run_of_ours_that_timed_out_has_one_line_and_its_end_still_counts() -> None:
    watch = create(replace(CRON, start_by_s=None, finish_by_s=60), minute(-1), job=True)
    watch = step(watch, Queue(minute(0), "r1", minute(0), minute(60))).watch
    lapsed = step(step(watch, Start(minute(0), "r1")).watch, Lapse(minute(1)))
    assert [line.outcome for line in lapsed.lines] == [Outcome.TIMEOUT]
    assert step(lapsed.watch, Start(minute(2), "r1")) == Step(lapsed.watch)
    done = step(lapsed.watch, Finish(minute(3), "r1"))
    assert (done.watch.status, done.lines) == (Status.UP, ())
    assert step(done.watch, Finish(minute(3), "r1")) == Step(done.watch)


def test_a_run_of_ours_that_started_late_may_still_time_out() -> None:
    plan = replace(CRON, start_by_s=300, finish_by_s=600)
    watch = create(plan, minute(-1), job=True)
    watch = step(watch, Queue(minute(0), "r1", minute(0), minute(60))).watch
    watch = step(step(watch, Lapse(minute(5))).watch, Start(minute(7), "r1")).watch
    assert wake_at(watch) == minute(17)
    lapsed = step(watch, Lapse(minute(17)))
    assert [line.outcome for line in lapsed.lines] == [Outcome.TIMEOUT]


def test_a_run_of_ours_by_hand_is_late_from_when_it_was_queued() -> None:
    watch = step(job(300), Queue(minute(10), "r1", None, minute(60))).watch
    assert wake_at(watch) == minute(15)


def test_a_run_of_ours_that_went_on_through_a_pause_is_not_timed_out() -> None:
    watch = create(replace(CRON, finish_by_s=600), minute(-1), job=True)
    watch = step(watch, Queue(minute(0), "r1", minute(0), minute(60))).watch
    for signal in (Start(minute(0), "r1"), Pause(minute(1)), Resume(minute(30))):
        watch = step(watch, signal).watch
    assert [run.id for run in watch.open] == ["r1"]
    assert wake_at(watch) is None


def test_a_job_is_due_after_a_resume_however_lately_it_ran() -> None:
    watch = step(job(300), Queue(minute(0), "r1", minute(0), minute(60))).watch
    for signal in (Finish(minute(59.8), "r1"), Pause(minute(59.9)), Resume(minute(59.95))):
        watch = step(watch, signal).watch
    assert watch.slot_at == minute(60)


def test_a_run_of_ours_that_waited_through_a_pause_is_late_for_nobody() -> None:
    watch = step(job(300), Queue(minute(0), "r1", minute(0), minute(60))).watch
    watch = step(step(watch, Pause(minute(1))).watch, Resume(minute(10))).watch
    assert wake_at(watch) is None


def test_who_resumes_afresh_is_new_whatever_was_heard() -> None:
    watch, _ = play("0 ok, 1 fail, 2 pause, 3 ok")
    resumed = step(watch, Resume(minute(4), fresh=True)).watch
    assert (resumed.status, resumed.begun, resumed.failures) == (Status.NEW, False, 0)
    assert wake_at(resumed) is None


# --- the table and what is shown --------------------------------------------------------------


@pytest.mark.parametrize(
    ("back_ms", "behind_ms"), [(0, 1), (5, 1), (29_999, 1), (30_000, -30_000), (-1, 1), (-9, 9)]
)
def test_a_call_that_waited_for_its_turn_counts_after_the_last_flip(
    back_ms: int, behind_ms: int
) -> None:
    watch, _ = play("0 ok, 60 pause")
    flip = step(watch, Resume(minute(60) - timedelta(milliseconds=back_ms))).flip
    assert flip
    assert flip.at - minute(60) == timedelta(milliseconds=behind_ms)


def test_every_status_but_paused_can_be_paused_and_none_is_a_dead_end() -> None:
    for status in Status:
        leads_on = {to for (frm, _), to in TABLE.items() if frm is status}
        assert leads_on
        assert status is Status.PAUSED or TABLE[status, Event.PAUSE] is Status.PAUSED


def test_no_entry_of_the_table_stays_where_it_is() -> None:
    assert all(frm is not to for (frm, _), to in TABLE.items())


@pytest.mark.parametrize(
    ("script", "at", "shown"),
    [("0 ok", 59, "up"), ("0 ok", 60, "late"), ("0 ok, 65 lapse", 66, "down"), ("0 pause", 90,
      "paused")],
)  # fmt: skip
def test_late_is_derived(script: str, at: float, shown: str) -> None:
    assert phase(play(script)[0], minute(at)) == shown
