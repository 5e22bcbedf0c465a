"""Round marks: whole hours and days by the clock of who looks."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.core.ticks import MOST, lengths_ms, times, told

WARSAW, KOLKATA = ZoneInfo("Europe/Warsaw"), ZoneInfo("Asia/Kolkata")
AT = datetime(2026, 1, 5, 13, 56, 12, tzinfo=UTC)


def marks(hours: float, zone: ZoneInfo = WARSAW, at: datetime = AT) -> list[str]:
    step, found = times(at, at + timedelta(hours=hours), zone)
    return [told(one, step) for one in found]


def test_a_day_has_whole_hours_of_the_zone() -> None:
    assert marks(30) == ["18:00", "Tue 06 Jan", "06:00", "12:00", "18:00"]
    assert marks(30, KOLKATA) == ["Tue 06 Jan", "06:00", "12:00", "18:00", "Wed 07 Jan"]


@pytest.mark.parametrize(
    ("hours", "first"),
    [(3.75, "15:00"), (1 / 60, "14:56:20"), (0.5, "15:00"), (168, "Tue 06 Jan"),
     (24 * 40, "12 Jan"), (24 * 900, "Feb 2026")],
)  # fmt: skip
def test_steps_are_round_at_every_length(hours: float, first: str) -> None:
    found = marks(hours)
    assert found[0] == first
    assert 2 <= len(found) <= MOST + 1


def test_the_hour_that_spring_leaps_over_is_left_out() -> None:
    at = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)  # 01:30; then comes 03:00
    assert marks(4, at=at) == ["03:00", "04:00", "05:00", "06:00"]


@given(st.integers(0, 3_650 * 86_400), st.timedeltas(timedelta(seconds=5), timedelta(days=1000)))
def test_marks_lie_within_in_order_and_are_few(after_s: int, length: timedelta) -> None:
    at = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=after_s)
    _, found = times(at, at + length, WARSAW)
    assert all(at <= one <= at + length for one in found)
    assert [one.timestamp() for one in found] == sorted({one.timestamp() for one in found})
    assert len(found) <= MOST + 2


@pytest.mark.parametrize(
    ("most_ms", "marks"),
    [
        (9_540, [0, 2_000, 4_000, 6_000, 8_000]),
        (8, [0, 2, 4, 6, 8]),
        (250_000, [0, 60_000, 120_000, 180_000, 240_000]),
        (0, [0]),
    ],
)
def test_lengths_are_round(most_ms: float, marks: list[float]) -> None:
    assert lengths_ms(most_ms) == marks
