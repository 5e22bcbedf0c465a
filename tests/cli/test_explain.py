"""`dogwatch explain`: offline, in the schedule's zone, and honest about mistakes."""

from datetime import UTC, datetime

import pytest

from dogwatch.cli.explain import next_change
from tests.cli.stub import Here, Program, Stub


def test_a_sentence_and_the_next_dates(here: Here, stub: Stub) -> None:
    done = here("explain", "0 2 * * 1-5", "--tz", "Europe/Warsaw", "-n", "4")
    sentence, *dates, change = done.stdout.splitlines()
    assert sentence == "At 02:00 every weekday, Europe/Warsaw"
    assert len([date for date in dates if " 02:00:00 CE" in date]) == 4
    assert change.startswith("The clocks change next on Sun ")
    assert stub.requests == []


def test_json_is_in_utc(here: Here) -> None:
    told = here.json("explain", "30 12 * * *", "-n", "2")
    first, second = (datetime.fromisoformat(date) for date in told["next"])
    assert told["english"].startswith("At 12:30")
    assert told["next"][0].endswith("T12:30:00Z")
    assert (second - first).days == 1
    assert told["dst_notes"] == []


def test_clock_changes_are_noted(here: Here) -> None:
    told = here.json("explain", "30 2 * * *", "--tz", "Europe/Berlin", "-n", "400")
    assert len(told["dst_notes"]) >= 2
    assert f"  ! {told['dst_notes'][0]}" in (
        here("explain", "30 2 * * *", "--tz", "Europe/Berlin", "-n", "400").stdout
    )


def test_a_mistake_names_its_field(here: Here) -> None:
    done = here("explain", "61 2 * * *")
    assert done.returncode == 2
    assert "minute" in done.stderr
    assert here("explain", "* * * * *", "--tz", "Mars/Base").returncode == 2


@pytest.mark.parametrize(
    ("zone", "change_at"),
    [
        ("Europe/Warsaw", datetime(2027, 3, 28, 1, tzinfo=UTC)),
        ("America/New_York", datetime(2027, 3, 14, 7, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2027, 4, 3, 15, tzinfo=UTC)),
        ("UTC", None),
        ("Asia/Tokyo", None),
    ],
)
def test_the_next_change_of_the_clocks(zone: str, change_at: datetime | None) -> None:
    assert next_change(zone, datetime(2026, 11, 21, 7, 30, 5, 600, tzinfo=UTC)) == change_at


def test_the_change_of_the_clocks_is_one_line(here: Here) -> None:
    assert "becomes" in here("explain", "@daily", "--tz", "Europe/Warsaw").stdout
    assert "clocks" not in here("explain", "@daily", "--tz", "Asia/Tokyo").stdout
    assert here.json("explain", "@daily")["next_clock_change_at"] is None


def test_without_a_zone_it_is_the_machines(dogwatch: Program) -> None:
    done = dogwatch("explain", "0 2 * * *", TZ="Europe/Warsaw")
    assert done.stdout.startswith("At 02:00 every day, Europe/Warsaw\n")
