"""The days of a watch: what each was at worst, and how long it was down."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dogwatch.core.strip import Turn
from dogwatch.core.uptime import Day, days, merged, percent
from dogwatch.core.watch import Status

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY_S = 86_400


def told(found: list[Day]) -> list[tuple[str, str | None, float, float]]:
    return [
        (f"{one.date:%d}", one.status and str(one.status), one.known_s / 3600, one.down_s / 3600)
        for one in found
    ]


def test_days_are_utc_and_the_worst_is_told() -> None:
    turns = [
        Turn(NOON - 14 * HOUR, Status.DOWN),  # 22:00 of the day before
        Turn(NOON - 10 * HOUR, Status.UP),
        Turn(NOON - HOUR, Status.DEGRADED),
    ]
    found = days(Status.UP, turns, NOON - 40 * HOUR, 4, NOON)
    assert told(found) == [
        ("02", None, 0, 0), ("03", "up", 4, 0), ("04", "down", 24, 2), ("05", "down", 12, 2),
    ]  # fmt: skip
    assert percent(found) == 90.0


def test_what_is_not_known_does_not_count() -> None:
    turns = [Turn(NOON - 3 * HOUR, Status.UP), Turn(NOON - HOUR, Status.PAUSED)]
    (today,) = days(Status.NEW, turns, NOON - 100 * HOUR, 1, NOON)
    assert (today.status, today.known_s, percent([today])) == (Status.UP, 7200, 100.0)
    assert percent(days(Status.NEW, [], NOON - HOUR, 3, NOON)) is None
    assert percent([]) is None


def test_a_second_of_trouble_is_never_all_well() -> None:
    assert percent([Day(NOON.date(), Status.DOWN, 90 * DAY_S, 1)]) == 99.99


def test_several_are_one() -> None:
    up = days(Status.UP, [], NOON - 6 * HOUR, 2, NOON)
    down = days(Status.DOWN, [], NOON - 6 * HOUR, 2, NOON)
    both = merged([up, down])
    assert told(both) == [("04", None, 0, 0), ("05", "down", 6, 3)]
    assert percent(both) == 50.0
    assert merged([]) == []


@given(
    st.lists(st.tuples(st.integers(0, 5 * DAY_S), st.sampled_from(list(Status))), max_size=20),
    st.sampled_from(list(Status)),
)
def test_no_second_is_lost_or_counted_twice(moves: list[tuple[int, Status]], first: Status) -> None:
    begin_at = NOON - timedelta(days=5)
    turns = [Turn(begin_at + timedelta(seconds=at), status) for at, status in sorted(moves)]
    found = days(first, turns, begin_at, 6, NOON)
    known = {Status.UP, Status.DEGRADED, Status.DOWN}
    times = [begin_at, *(turn.at for turn in turns), NOON]
    statuses = [first, *(turn.status for turn in turns)]
    lasted = [
        (status, (ended - began).total_seconds())
        for status, began, ended in zip(statuses, times, times[1:], strict=False)
    ]
    assert sum(one.known_s for one in found) == sum(s for status, s in lasted if status in known)
    down_s = sum(seconds for status, seconds in lasted if status is Status.DOWN)
    assert sum(one.down_s for one in found) == down_s
