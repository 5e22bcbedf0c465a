"""When a probe is asked."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from dogwatch.core.probe.pace import current_slot, first_slot, put_off, share
from dogwatch.core.schedule import parse
from dogwatch.core.slots import Plan

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
MINUTE = Plan(schedule=parse("60"))


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_first_slots_are_spread_evenly_over_the_interval() -> None:
    firsts = [first_slot(MINUTE.schedule, f"probe-{n}", NOON) for n in range(6000)]
    seconds = Counter(int((one - NOON).total_seconds() % 60) for one in firsts if one)
    assert all(one and NOON < one <= after(60) for one in firsts)
    assert len(seconds) == 60
    assert max(seconds.values()) < 160


def test_a_key_has_its_place_whenever_it_is_asked_for() -> None:
    one = first_slot(MINUTE.schedule, "probe", NOON)
    later = first_slot(MINUTE.schedule, "probe", after(3601.5))
    assert one is not None
    assert later is not None
    assert (later - one) % timedelta(seconds=60) == timedelta(0)


def test_a_calendar_is_kept_as_it_is() -> None:
    assert first_slot(parse("*/5 * * * *"), "probe", after(1)) == after(300)
    assert first_slot(None, "probe", NOON) is None


@pytest.mark.parametrize(
    ("owed", "at", "slot"), [(0, 0, 0), (0, 59, 0), (0, 60, 60), (0, 3599, 3540), (30, 20, 30)]
)
def test_the_latest_slot_is_asked(owed: float, at: float, slot: float) -> None:
    assert current_slot(MINUTE, after(owed), after(at)) == after(slot)


def test_the_latest_slot_of_a_calendar() -> None:
    plan = Plan(schedule=parse("*/5 * * * *"))
    assert current_slot(plan, NOON, after(299)) == NOON
    assert current_slot(plan, NOON, after(1000)) == after(900)


def test_what_is_due_now_is_asked_now() -> None:
    assert put_off(MINUTE, NOON, "probe", after(4.9)) is None


@pytest.mark.parametrize(("interval", "within"), [("1", 1), ("60", 60), ("3600", 60)])
def test_what_was_missed_is_spread_over_the_interval_or_a_minute(
    interval: str, within: float
) -> None:
    plan = Plan(schedule=parse(interval))
    times = [put_off(plan, NOON, f"probe-{n}", after(600)) for n in range(200)]
    waits = [(one - after(600)).total_seconds() for one in times if one]
    assert len(waits) == 200
    assert 0 <= min(waits) < within / 10
    assert within * 0.9 < max(waits) <= within


def test_shares_are_stable() -> None:
    assert share("a") == share("a") != share("b")
    assert 0 <= share("a") < 1
