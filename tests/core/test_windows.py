"""Quiet hours, digests and maintenance windows, on the clocks of their zones."""

from datetime import UTC, datetime, time
from typing import Any

import pytest

from dogwatch.core.problems import Problem
from dogwatch.core.windows import Digest, Quiet, WindowSpec, check_zone, clock_time

NIGHT = Quiet(time(22), time(7), "Europe/Warsaw")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def short(at: datetime | None) -> str | None:
    return at.strftime("%m-%d %H:%M") if at else None


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-01-05 20:59", None),
        ("2026-01-05 21:00", "01-06 06:00"),
        ("2026-01-06 05:59", "01-06 06:00"),
        ("2026-01-06 06:00", None),
        ("2026-03-29 00:30", "03-29 05:00"),  # the night the clocks go forward
        ("2026-10-25 00:30", "10-25 06:00"),  # and back
    ],
)
def test_quiet_hours_pass_midnight_in_their_zone(at: str, until: str | None) -> None:
    assert short(NIGHT.until(utc(at))) == until


@pytest.mark.parametrize(
    ("hours", "at", "until"),
    [
        ((22, 2), "2026-03-29 00:59", "03-29 01:00"),  # 02:30 is leapt over: it ends at 03:00
        ((22, 2), "2026-03-29 01:00", None),
        ((2, 6), "2026-03-29 00:59", None),
        ((2, 6), "2026-03-29 01:00", "03-29 04:30"),  # and begins at 03:00
        ((22, 2), "2026-10-25 00:29", "10-25 00:30"),  # the first of two
        ((22, 2), "2026-10-25 00:30", None),
        ((2, 6), "2026-10-25 00:30", "10-25 05:30"),
    ],
)
def test_quiet_hours_that_a_change_of_the_clocks_meets(
    hours: tuple[int, int], at: str, until: str | None
) -> None:
    start, end = hours
    quiet = Quiet(time(start, 30), time(end, 30), "Europe/Warsaw")
    assert short(quiet.until(utc(at))) == until


def test_the_day_that_samoa_left_out_has_no_quiet_hours_of_its_own() -> None:
    quiet = Quiet(time(22), time(7), "Pacific/Apia")
    assert short(quiet.until(utc("2011-12-30 09:59"))) == "12-30 10:00"  # 29 December, 23:59
    assert short(quiet.until(utc("2011-12-30 10:00"))) == "12-30 17:00"  # 31 December, 00:00
    assert quiet.until(utc("2011-12-30 17:00")) is None


def test_quiet_hours_of_a_day() -> None:
    noon = Quiet(time(12), time(13))
    assert short(noon.until(utc("2026-01-05 12:59"))) == "01-05 13:00"
    assert noon.until(utc("2026-01-05 13:00")) is None


def test_the_same_time_twice_is_the_whole_day() -> None:
    assert Quiet(time(8), time(8)).until(utc("2026-01-05 07:59")) == utc("2026-01-05 08:00")


def test_a_zone_this_machine_lost_counts_as_utc() -> None:
    assert Quiet(time(12), time(13), "No/Where").until(utc("2026-01-05 12:30"))


def test_a_digest_is_told_at_its_time_of_day() -> None:
    digest = Digest(time(8), "Europe/Warsaw")
    assert short(digest.after(utc("2026-01-05 06:59"))) == "01-05 07:00"
    assert short(digest.after(utc("2026-01-05 07:00"))) == "01-06 07:00"
    assert short(digest.after(utc("2026-03-28 07:00"))) == "03-29 06:00"


ONCE = WindowSpec("once", start_at=utc("2026-01-05 12:00"), end_at=utc("2026-01-05 14:00"))
WEEKLY = WindowSpec(
    "weekly", days=("sat", "sun"), start="22:00", duration_s=7200, timezone="Europe/Warsaw"
)
CRON = WindowSpec("cron", cron="0 3 1 * *", duration_s=3600)
JOINED = WindowSpec("cron", cron="0 * * * *", duration_s=5400)


@pytest.mark.parametrize(
    ("spec", "at", "until"),
    [
        (ONCE, "2026-01-05 11:59", None),
        (ONCE, "2026-01-05 12:00", "01-05 14:00"),
        (ONCE, "2026-01-05 14:00", None),
        (WEEKLY, "2026-01-09 21:30", None),  # a Friday
        (WEEKLY, "2026-01-10 21:00", "01-10 23:00"),
        (WEEKLY, "2026-01-11 22:59", "01-11 23:00"),
        (WEEKLY, "2026-01-11 23:00", None),
        (CRON, "2026-02-01 03:59", "02-01 04:00"),
        (CRON, "2026-02-02 03:59", None),
    ],
)
def test_maintenance(spec: WindowSpec, at: str, until: str | None) -> None:
    assert short(spec.window().until(utc(at))) == until


def test_stretches_without_a_pause_are_one() -> None:
    until = JOINED.window().until(utc("2026-01-05 12:10"))
    assert until
    assert until > utc("2026-01-07 12:00")


@pytest.mark.parametrize(
    ("given", "bad"),
    [
        ({"kind": "once"}, {"start_at", "end_at"}),
        ({"kind": "once", "start_at": utc("2026-01-05"), "end_at": utc("2026-01-04")}, {"end_at"}),
        ({"kind": "once", "start_at": utc("2026-01-05"), "end_at": utc("2026-01-06"),
          "duration_s": 60}, {"duration_s"}),
        ({"kind": "weekly", "start": "25:00", "duration_s": 60}, {"days", "start"}),
        ({"kind": "weekly", "days": ("mon",), "start": "22:00"}, {"duration_s"}),
        ({"kind": "weekly", "days": ("mon",), "start": "22:00", "duration_s": 60,
          "cron": "* * * * *"}, {"cron"}),
        ({"kind": "cron", "duration_s": 60}, {"cron"}),
        ({"kind": "cron", "cron": "every 5m", "duration_s": 60}, {"cron"}),
        ({"kind": "cron", "cron": "61 * * * *", "duration_s": 60}, {"cron"}),
        ({"kind": "cron", "cron": "0 3 * * *", "duration_s": 60, "timezone": "X"}, {"timezone"}),
        ({"kind": "cron", "cron": "0 3 * * *", "duration_s": 59}, {"duration_s"}),
    ],
)  # fmt: skip
def test_bad_windows_name_their_fields(given: dict[str, Any], bad: set[str]) -> None:
    with pytest.raises(Problem) as caught:
        WindowSpec(**given).window()
    assert caught.value.fields.keys() == bad


@pytest.mark.parametrize("text", ["", "7", "7:00", "24:00", "12:60", "١٢:٠٠", "12.30", "12:3o"])
def test_what_is_no_time_of_day(text: str) -> None:
    with pytest.raises(Problem):
        clock_time(text, "start")


def test_zones_are_checked_under_the_name_of_their_field() -> None:
    check_zone("Europe/Warsaw")
    with pytest.raises(Problem) as caught:
        check_zone("Nowhere", "quiet.timezone")
    assert caught.value.fields.keys() == {"quiet.timezone"}
