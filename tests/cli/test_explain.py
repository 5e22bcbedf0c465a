"""`dogwatch explain`: offline, in the schedule's zone, and honest about mistakes."""

from datetime import datetime

from tests.cli.stub import Here, Stub


def test_a_sentence_and_the_next_dates(here: Here, stub: Stub) -> None:
    done = here("explain", "0 2 * * 1-5", "--tz", "Europe/Warsaw", "-n", "4")
    sentence, *dates = done.stdout.splitlines()
    assert sentence == "At 02:00 every weekday, Europe/Warsaw"
    assert len([date for date in dates if " 02:00:00 CE" in date]) == 4
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
