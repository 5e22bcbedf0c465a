"""How many runs begin in each hour to come."""

from datetime import UTC, datetime, timedelta

import pytest

from dogwatch.core.load import begins, busiest
from dogwatch.core.schedule import parse

AT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def counted(text: str, hours: int = 48, first_at: datetime | None = None) -> list[float]:
    return begins(parse(text, "UTC"), first_at, AT, hours)


def test_a_daily_run_begins_once_a_day() -> None:
    assert [hour for hour, count in enumerate(counted("0 2 * * *")) if count] == [16, 40]


def test_an_interval_counts_from_what_is_owed() -> None:
    counts = counted("every 20m", 3, AT + timedelta(minutes=50))
    assert counts == [1, 3, 3]


@pytest.mark.parametrize(
    ("text", "each"), [("* * * * *", 60), ("every 2s", 1800), ("every 1m", 60)]
)
def test_what_is_due_often_goes_on_as_it_began(text: str, each: int) -> None:
    counts = counted(text, 168)
    assert all(abs(count - each) <= 0.02 * each for count in counts[1:])


def test_a_day_that_was_counted_is_repeated() -> None:
    counts = counted("*/10 8-17 * * *", 168)
    assert counts[24 * 6 :] == counts[24 * 5 : 24 * 6]
    assert set(counts[:24]) >= {0, 6}


def test_the_busiest_hour() -> None:
    assert busiest([0, 3, 5, 5]) == (2, 5)
    assert busiest([0, 0]) == (0, 0)
