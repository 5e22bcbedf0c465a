"""Slots: windows, deadlines, walks, and where evidence belongs."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dogwatch.core.schedule import parse
from dogwatch.core.slots import (
    MAX_WALK,
    Attribution,
    Gap,
    Plan,
    attribute,
    deadline,
    early,
    finish_deadline,
    in_gap,
    last_due,
    walk,
    walked,
)

T0 = datetime(2026, 1, 5, tzinfo=UTC)


def minute(value: float) -> datetime:
    return T0 + timedelta(minutes=value)


def gap(start: float, end: float) -> Gap:
    return Gap(minute(start), minute(end))


def hourly(start_by_s: int | None = 300, early_s: int | None = None) -> Plan:
    return Plan(parse("0 * * * *"), start_by_s=start_by_s, early_s=early_s)


def interval(start_by_s: int | None = 300) -> Plan:
    return Plan(parse("every 60m"), start_by_s=start_by_s)


@pytest.mark.parametrize(
    ("plan", "minutes"),
    [
        (hourly(), 5),
        (hourly(0), 0),
        (hourly(None), 0),
        (hourly(1800), 30),
        (hourly(3600), 30),
        (hourly(300, 0), 0),
        (hourly(300, 1200), 20),
        (interval(7200), 30),
        (Plan(None, start_by_s=600), 10),
    ],
)
def test_how_early_evidence_counts(plan: Plan, minutes: float) -> None:
    assert early(plan, minute(60)) == timedelta(minutes=minutes)


@pytest.mark.parametrize(("at", "inside"), [(9.99, False), (10, True), (19.99, True), (20, False)])
def test_a_gap_holds_its_start_and_not_its_end(at: float, inside: bool) -> None:
    assert in_gap(minute(at), [gap(1, 2), gap(10, 20)]) is inside


@pytest.mark.parametrize(
    ("plan", "gaps", "expected"),
    [
        (hourly(), [], 65),
        (hourly(), [gap(20, 40)], 65),
        # from where the window opens, 5 minutes early, to the deadline
        (hourly(), [gap(20, 55)], 65),
        (hourly(), [gap(20, 55.1)], 65),
        (hourly(), [gap(20, 62)], 67),
        (hourly(), [gap(64.9, 70)], 75),
        (hourly(), [gap(65, 70)], 65),
        # at least a minute to come back
        (hourly(0), [gap(59, 62)], 63),
        (hourly(0), [gap(59.99, 60)], 60),
        (hourly(30), [gap(59, 62)], 63),
        (hourly(30), [gap(20, 59.75)], 60.75),
        # an outage on the heels of another
        (hourly(), [gap(60, 62), gap(66, 70)], 75),
        (hourly(), [gap(60, 62), gap(67, 70)], 67),
        # the ping after a lost one of an interval comes an interval later
        (interval(), [gap(58, 62)], 127),
        (interval(), [gap(20, 40)], 65),
    ],
)
def test_the_deadline(plan: Plan, gaps: list[Gap], expected: float) -> None:
    assert deadline(plan, minute(60), gaps) == minute(expected)


@pytest.mark.parametrize(
    ("plan", "started", "slot", "job", "expected"),
    [
        (Plan(None, finish_by_s=600), 3, None, False, 13),
        (Plan(None, finish_by_s=600), 3, 0, True, 13),
        (Plan(None), 3, None, False, None),
        (hourly(), 61, 60, False, 125),
        (hourly(), 61, None, False, 125),
        # an early start has the whole of its slot
        (hourly(), 58, 60, False, 125),
        (hourly(), 61, 60, True, None),
        (interval(), 61, 60, False, 126),
    ],
)
def test_the_deadline_of_a_run(
    plan: Plan, started: float, slot: float | None, job: bool, expected: float | None
) -> None:
    slot_at = None if slot is None else minute(slot)
    found = finish_deadline(plan, minute(started), slot_at, job=job)
    assert found == (None if expected is None else minute(expected))


def test_a_walk_goes_from_the_slot_to_the_last_one_due() -> None:
    assert list(walk(hourly(), minute(60), minute(180))) == [minute(m) for m in (60, 120, 180)]
    assert list(walk(hourly(), minute(60), minute(59.9))) == []
    assert list(walk(hourly(), None, minute(60))) == []
    assert list(walk(Plan(None), minute(60), minute(999))) == [minute(60)]


@settings(deadline=None)
@given(
    st.sampled_from(["* * * * *", "0 3,4,9 * * *", "*/5 1 * * *", "30 2 * * 1"]),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
)
def test_the_last_due_slot_is_the_last_of_a_walk(text: str, since_s: int, length_s: int) -> None:
    plan = Plan(parse(text, "Europe/Berlin"))
    since = T0 + timedelta(seconds=since_s)
    until = since + timedelta(seconds=length_s % 100_000)
    walked = list(walk(plan, plan.after(since), until))
    assert last_due(plan, since, until) == (walked[-1] if walked else None)


@pytest.mark.parametrize(
    ("owed", "unheard", "at", "expected"),
    [
        # before the window of the owed slot: none, or a lapsed one
        (120, [], 61, Attribution(None, minute(120))),
        (120, [60], 70, Attribution(minute(60), minute(120), late=True)),
        # exactly from the opening of the window
        (120, [60], 114.9, Attribution(minute(60), minute(120), late=True)),
        (120, [60], 115, Attribution(minute(120), minute(180))),
        (120, [], 120, Attribution(minute(120), minute(180))),
        (120, [], 184, Attribution(minute(180), minute(240), (minute(120),))),
        # a slot that an outage kept owed beyond its deadline takes none of the next one's
        (120, [], 174.9, Attribution(minute(120), minute(180))),
        (120, [], 175, Attribution(minute(180), minute(240), (minute(120),))),
        # once the slot after a lapsed one has been settled, its time is over
        (180, [60], 130, Attribution(None, minute(180))),
        # told later: by its own time
        (180, [60, 120], 62, Attribution(minute(60), minute(180), late=True)),
        (180, [60, 120], 114.9, Attribution(minute(60), minute(180), late=True)),
        (180, [60, 120], 115, Attribution(minute(120), minute(180), late=True)),
        (180, [60, 120], 54.9, Attribution(None, minute(180))),
    ],
)
def test_attribution(owed: float, unheard: list[float], at: float, expected: Attribution) -> None:
    lapsed = [minute(slot) for slot in unheard]
    assert attribute(hourly(), minute(owed), lapsed, minute(at)) == expected


@pytest.mark.parametrize(
    ("owed", "unheard", "at", "expected"),
    [
        (60, [], 30, Attribution(minute(60), minute(90))),
        (60, [], 64, Attribution(minute(60), minute(124))),
        (60, [], 0, Attribution(None, minute(60))),
        (60, [], -1, Attribution(None, minute(60))),
        (120, [60], 70, Attribution(minute(60), minute(130), late=True)),
        (100, [60], 110, Attribution(minute(100), minute(170))),
        (120, [60], 120, Attribution(minute(120), minute(180))),
        (120, [60], 119, Attribution(minute(120), minute(179))),
        # it owed nothing: the lapsed one, however long ago
        (None, [60], 500, Attribution(minute(60), minute(560), late=True)),
        (None, [], 500, Attribution(None, minute(560))),
    ],
)
def test_attribution_of_an_interval(
    owed: float | None, unheard: list[float], at: float, expected: Attribution
) -> None:
    owed_at = None if owed is None else minute(owed)
    lapsed = [minute(slot) for slot in unheard]
    assert attribute(interval(), owed_at, lapsed, minute(at)) == expected


SECONDLY = Plan(schedule=parse("*-*-* *:*:*"), start_by_s=86_400)


def test_of_very_many_slots_the_first_and_the_last_are_walked() -> None:
    first = datetime(2026, 1, 5, tzinfo=UTC)
    few = walked(SECONDLY, first, first + timedelta(seconds=MAX_WALK - 1))
    assert (len(few), few[-1]) == (MAX_WALK, first + timedelta(seconds=MAX_WALK - 1))
    until = first + timedelta(hours=20)
    many = walked(SECONDLY, first, until)
    assert many == (*few, until)
    assert walked(SECONDLY, until, first) == ()


def test_a_ping_passes_over_a_bounded_number_of_slots() -> None:
    owed_at = datetime(2026, 1, 5, tzinfo=UTC)
    at = owed_at + timedelta(hours=20)
    where = attribute(SECONDLY, owed_at, (), at)
    assert (where.slot_at, where.owed_at) == (at, at + timedelta(seconds=1))
    assert len(where.passed) == MAX_WALK
