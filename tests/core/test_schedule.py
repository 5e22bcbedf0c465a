"""`Schedule`: what is accepted, when it is due, what it says, and what is refused."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dogwatch.core.problems import Problem
from dogwatch.core.schedule import Schedule, parse

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def due(text: str, zone: str, start: str, count: int = 3) -> list[str]:
    return [f"{t:%Y-%m-%d %H:%M:%S}" for t in parse(text, zone).next(count, at(start))]


def minutes(text: str, zone: str, start: str, count: int) -> list[str]:
    return [f"{t:%H:%M}" for t in parse(text, zone).next(count, at(start))]


# When it is due


@pytest.mark.parametrize(
    ("text", "start", "first", "second"),
    [
        ("0 2 * * *", "2026-01-01 01:59:59", "2026-01-01 02:00:00", "2026-01-02 02:00:00"),
        ("0 2 * * *", "2026-01-01 02:00:00", "2026-01-02 02:00:00", "2026-01-03 02:00:00"),
        ("*/20 * * * *", "2026-01-01 00:00:01", "2026-01-01 00:20:00", "2026-01-01 00:40:00"),
        ("5/20 * * * *", "2026-01-01 00:00:00", "2026-01-01 00:05:00", "2026-01-01 00:25:00"),
        ("0 9-17/8 * * *", "2026-01-01 00:00:00", "2026-01-01 09:00:00", "2026-01-01 17:00:00"),
        ("0 0 * * MON-fri", "2026-01-02 00:00:00", "2026-01-05 00:00:00", "2026-01-06 00:00:00"),
        ("0 0 1 2-2/1 *", "2026-01-01 00:00:00", "2026-02-01 00:00:00", "2027-02-01 00:00:00"),
        ("0 0 1 feb-02/1 *", "2026-01-01 00:00:00", "2026-02-01 00:00:00", "2027-02-01 00:00:00"),
        ("5-5/9,7 0 * * *", "2026-01-01 00:00:00", "2026-01-01 00:05:00", "2026-01-01 00:07:00"),
        ("0 0 * * 1-1/2", "2026-01-01 00:00:00", "2026-01-05 00:00:00", "2026-01-12 00:00:00"),
        ("0 0 * * 7", "2026-01-01 00:00:00", "2026-01-04 00:00:00", "2026-01-11 00:00:00"),
        ("0 0 1 jan,Jul *", "2026-01-01 00:00:00", "2026-07-01 00:00:00", "2027-01-01 00:00:00"),
        ("0 0 13 * 5", "2026-01-09 00:00:00", "2026-01-13 00:00:00", "2026-01-16 00:00:00"),
        ("0 0 */9 * 1", "2026-01-01 00:00:00", "2026-01-19 00:00:00", "2026-06-01 00:00:00"),
        ("0 0 L * *", "2026-01-01 00:00:00", "2026-01-31 00:00:00", "2026-02-28 00:00:00"),
        ("0 0 LW * *", "2026-01-01 00:00:00", "2026-01-30 00:00:00", "2026-02-27 00:00:00"),
        ("0 0 * * 5L", "2026-01-01 00:00:00", "2026-01-30 00:00:00", "2026-02-27 00:00:00"),
        ("0 0 * * 1#2", "2026-01-01 00:00:00", "2026-01-12 00:00:00", "2026-02-09 00:00:00"),
        ("0 0 29 2 *", "2026-01-01 00:00:00", "2028-02-29 00:00:00", "2032-02-29 00:00:00"),
        ("0 0 29 2 *", "2096-02-29 00:00:00", "2104-02-29 00:00:00", "2108-02-29 00:00:00"),
        ("0\t2   * * *", "2026-01-01 00:00:00", "2026-01-01 02:00:00", "2026-01-02 02:00:00"),
        ("@hourly", "2026-01-01 00:00:00", "2026-01-01 01:00:00", "2026-01-01 02:00:00"),
        ("@daily", "2026-01-01 00:00:00", "2026-01-02 00:00:00", "2026-01-03 00:00:00"),
        ("@Midnight", "2026-01-01 00:00:00", "2026-01-02 00:00:00", "2026-01-03 00:00:00"),
        ("@weekly", "2026-01-01 00:00:00", "2026-01-04 00:00:00", "2026-01-11 00:00:00"),
        ("@monthly", "2026-01-01 00:00:00", "2026-02-01 00:00:00", "2026-03-01 00:00:00"),
        ("@yearly", "2026-01-01 00:00:00", "2027-01-01 00:00:00", "2028-01-01 00:00:00"),
        ("@annually", "2026-01-01 00:00:00", "2027-01-01 00:00:00", "2028-01-01 00:00:00"),
        ("Mon..Fri 07:00", "2026-01-02 07:00:00", "2026-01-05 07:00:00", "2026-01-06 07:00:00"),
        ("Mon,Sun *-*-* 7:30", "2026-01-01 00:00:00", "2026-01-04 07:30:00", "2026-01-05 07:30:00"),
        ("*:0/5", "2026-01-01 00:00:00", "2026-01-01 00:05:00", "2026-01-01 00:10:00"),
        ("*:*:0/20", "2026-01-01 00:00:00", "2026-01-01 00:00:20", "2026-01-01 00:00:40"),
        ("*-*~1", "2026-01-01 00:00:00", "2026-01-31 00:00:00", "2026-02-28 00:00:00"),
        ("quarterly", "2026-01-01 00:00:00", "2026-04-01 00:00:00", "2026-07-01 00:00:00"),
        ("12:00 Asia/Tokyo", "2026-01-01 00:00:00", "2026-01-01 03:00:00", "2026-01-02 03:00:00"),
        ("300", "2026-01-01 00:00:07", "2026-01-01 00:05:07", "2026-01-01 00:10:07"),
        ("@daily\n@hourly", "2026-01-01 22:30:00", "2026-01-01 23:00:00", "2026-01-02 00:00:00"),
        (
            "\n 0 2 * * *\r\n\n 3:00",
            "2026-01-01 00:00:00",
            "2026-01-01 02:00:00",
            "2026-01-01 03:00:00",
        ),
    ],
)
def test_due(text: str, start: str, first: str, second: str) -> None:
    assert due(text, "UTC", start, 2) == [first, second]


def test_a_zone_shifts_the_times() -> None:
    assert due("0 9 * * *", "Asia/Kathmandu", "2026-01-01", 1) == ["2026-01-01 03:15:00"]


def test_fractions_and_other_zones_of_the_start_do_not_matter() -> None:
    start = at("2026-01-01 01:59:59.999999").astimezone(timezone(timedelta(hours=5)))
    found = parse("0 2 * * *").after(start)
    assert found == at("2026-01-01 02:00:00")
    assert found.tzinfo is UTC


def test_a_calendar_can_end() -> None:
    once = parse("2027-05-01 07:00")
    assert once.next(5, at("2026-01-01")) == [at("2027-05-01 07:00")]
    assert once.after(at("2027-05-01 07:00")) is None


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2028-01-01", "UTC", "2028-01-01 00:00"),
        ("2028-01-01", "Asia/Tokyo", "2027-12-31 15:00"),
        ("2027-12-31 20:00", NEW_YORK, "2028-01-01 01:00"),
        ("2031-07-01", NEW_YORK, "2031-07-01 04:00"),
    ],
)
def test_a_far_date_at_the_edge_of_a_searched_year(text: str, zone: str, expected: str) -> None:
    assert parse(text, zone).after(at("2026-06-01")) == at(expected)


def test_times_beyond_all_calendars_have_no_next() -> None:
    end_of_time = datetime.max.replace(tzinfo=UTC)
    assert parse("@daily").after(end_of_time) is None
    assert parse("every 1s").after(end_of_time) is None


# Clock changes; the oracle in test_schedule_oracle.py covers many more


@pytest.mark.parametrize(
    ("text", "zone", "start", "expected"),
    [
        # Berlin, 29 March 2026: 02:00 becomes 03:00 at 01:00 UTC.
        ("30 2 * * *", BERLIN, "2026-03-28 12:00", ["01:00", "00:30"]),
        ("0,30 2-3 * * *", BERLIN, "2026-03-29 00:00", ["01:00", "01:30", "00:00"]),
        ("15,45 0-4 * * *", BERLIN, "2026-03-29 00:15", ["00:45", "01:00", "01:15"]),
        ("*/30 * * * *", BERLIN, "2026-03-29 00:00", ["00:30", "01:00", "01:30"]),
        ("*/30 2 * * *", BERLIN, "2026-03-28 12:00", ["00:00", "00:30"]),
        ("02:30", BERLIN, "2026-03-28 12:00", ["01:00", "00:30"]),
        ("*:0/30", BERLIN, "2026-03-29 00:00", ["00:30", "01:00", "01:30"]),
        # Berlin, 25 October 2026: 03:00 becomes 02:00 at 01:00 UTC.
        ("30 2 * * *", BERLIN, "2026-10-24 12:00", ["00:30", "01:30", "01:30"]),
        ("*/30 2 * * *", BERLIN, "2026-10-24 12:00", ["00:00", "00:30", "01:00", "01:30"]),
        ("02:30", BERLIN, "2026-10-24 12:00", ["00:30", "01:30", "01:30"]),
        ("hourly", BERLIN, "2026-10-24 22:30", ["23:00", "00:00", "01:00", "02:00"]),
        # New York, 8 March and 1 November 2026.
        ("30 2 * * *", NEW_YORK, "2026-03-08 00:00", ["07:00", "06:30"]),
        ("30 1 * * *", NEW_YORK, "2026-11-01 00:00", ["05:30", "06:30"]),
        # Lord Howe moves by half an hour: 5 April 2026 (back), 4 October 2026 (forward).
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04 00:00", ["14:45", "15:15"]),
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03 00:00", ["15:30", "15:15"]),
        ("0 */3 * * *", "Australia/Lord_Howe", "2026-10-03 12:00", ["13:30", "16:00", "19:00"]),
        # Cairo has no midnight on 24 April 2026.
        ("*/20 0 * * *", "Africa/Cairo", "2026-04-23 20:00", ["21:00", "21:20", "21:40"]),
        ("0 0 * * *", "Africa/Cairo", "2026-04-23 00:00", ["22:00", "21:00"]),
        # Samoa skipped 30 December 2011 whole: a correction, so nothing of it is made up for.
        ("0 12 * * *", "Pacific/Apia", "2011-12-29 00:00", ["22:00", "22:00"]),
    ],
)
def test_clock_changes(text: str, zone: str, start: str, expected: list[str]) -> None:
    assert minutes(text, zone, start, len(expected)) == expected


@pytest.mark.parametrize(
    ("text", "start", "notes"),
    [
        ("30 2 * * *", "2026-10-20", ["25 Oct: clocks go back, runs once"]),
        ("30 2 * * *", "2026-03-20", ["29 Mar: clocks go forward, runs at 03:00"]),
        (
            "*/30 2 * * *",
            "2026-10-20",
            ["25 Oct: clocks go back, runs in both passes of 02:00 to 03:00"],
        ),
        (
            "*/30 2 * * *",
            "2026-03-20",
            ["29 Mar: clocks go forward, 02:00 to 03:00 is skipped"],
        ),
        ("30 4 * * *", "2026-10-20", []),
        ("30 2 * * *", "2026-10-26", []),
        ("every 1d", "2026-10-20", []),
        (
            "30 2 1-31/4 * *\n02:00",
            "2026-03-20",
            ["29 Mar: clocks go forward, runs at 03:00"],
        ),
    ],
)
def test_dst_notes(text: str, start: str, notes: list[str]) -> None:
    assert parse(text, BERLIN).dst_notes(at(start), 20) == notes


def test_dst_notes_reach_as_far_as_the_due_times_asked_for() -> None:
    nightly = parse("30 2 * * *", BERLIN)
    assert nightly.dst_notes(at("2026-10-20 12:00"), 4) == []
    assert nightly.dst_notes(at("2026-10-20 12:00"), 5) == ["25 Oct: clocks go back, runs once"]


# What it says


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("0 2 * * 1-5", "At 02:00 every weekday"),
        ("* * * * *", "Every minute"),
        ("*/5 * * * *", "Every 5 minutes"),
        ("*/5 * * * 1-5", "Every 5 minutes, every weekday"),
        ("@hourly", "Every hour"),
        ("5 * * * *", "Every hour at minute 5"),
        ("0 */2 * * *", "Every 2 hours"),
        ("0 */6 * * *", "At 00:00, 06:00, 12:00 and 18:00 every day"),
        ("*/20 */7 * 2 *", "Every 20 minutes, in hours 0, 7, 14 and 21, in February"),
        (
            "*/7 * * * 1",
            "At minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour, every Monday",
        ),
        ("0,30 9-17 * * *", "Every 30 minutes, in hours 9 to 17"),
        ("0 9-17 * * *", "Every hour at minute 0, in hours 9 to 17"),
        ("* 2 * * 6,0", "Every minute, in hour 2, every Saturday and Sunday"),
        ("0 0 1,15 * *", "At 00:00 on days 1 and 15 of the month"),
        ("0 0 13 * 5", "At 00:00 on day 13 of the month and also every Friday"),
        (
            "0 0 */16 * 1,2",
            "At 00:00 on days 1 and 17 of the month if that is a Monday or a Tuesday",
        ),
        ("0 0 1-31 * 1", "At 00:00 every day"),
        ("0 0 1 1 1", "At 00:00 on day 1 of the month and also every Monday, in January"),
        ("0 0 29 2 *", "At 00:00 on 29 February"),
        ("0 0 L 1-3,6 *", "At 00:00 on the last day of the month in January to March and June"),
        ("0 0 5,LW * *", "At 00:00 on day 5 and the last weekday of the month"),
        (
            "0 0 * * 5L,1#2",
            "At 00:00 on the 2nd Monday of the month and the last Friday of the month",
        ),
        ("0 0 * * 3,1#3", "At 00:00 every Wednesday and the 3rd Monday of the month"),
        (
            "0 0 */10 * 1#1",
            "At 00:00 on days 1, 11, 21 and 31 of the month if that is the 1st Monday of the month",
        ),
        ("Mon..Fri 07:00:30", "At 07:00:30 every weekday"),
        ("*:*:0/10", "Every 10 seconds"),
        ("*:*:5", "At second 5 of every minute"),
        ("9:0..6:5", "At second 5, in minutes 0 to 6, in hour 9"),
        ("*-*~3", "At 00:00 on the 3rd last day of the month"),
        ("2027-05-01 07:00", "At 07:00 on 1 May in 2027"),
        ("2027..2029-*-1", "At 00:00 on day 1 of the month in 2027 to 2029"),
        ("2027-*-* *:*", "Every minute, in 2027"),
        ("07:00\n0 9 * * 6", "At 07:00 every day; at 09:00 every Saturday"),
    ],
)
def test_english(text: str, english: str) -> None:
    assert parse(text).english() == f"{english}, UTC"


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("@daily", "At 00:00 every day, Europe/Berlin"),
        ("07:00 UTC", "At 07:00 every day, UTC"),
        ("07:00 UTC\n@daily", "At 07:00 every day, UTC; at 00:00 every day, Europe/Berlin"),
        ("90", "Every 90 seconds"),
        ("every 1d", "Every day"),
        ("every 2w", "Every 2 weeks"),
    ],
)
def test_english_names_the_zone_where_it_matters(text: str, english: str) -> None:
    assert parse(text, BERLIN).english() == english


# Intervals


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1", 1), ("300", 300), ("every 90s", 90), ("every 5m", 300), ("every 2h", 7200),
        ("every 1d", 86400), ("every 1w", 604800), ("every 5 minutes", 300), ("EVERY 1 Minute", 60),
        ("every day", 86400), ("every hour", 3600), ("every  2  weeks", 1209600), ("every 7s", 7),
        ("5m", 300), ("10 secs", 10), ("315360000", 315_360_000),
    ],
)  # fmt: skip
def test_intervals(text: str, seconds: int) -> None:
    schedule = parse(text, BERLIN)
    assert schedule.relative
    assert schedule.interval_s == seconds
    start = at("2026-10-25 00:30:00.25")
    assert schedule.after(start) == start + timedelta(seconds=seconds)


def test_a_calendar_is_not_relative() -> None:
    daily = parse(" 0 2 * * * ", BERLIN)
    assert (daily.relative, daily.interval_s) == (False, None)
    assert (daily.text, daily.timezone) == ("0 2 * * *", BERLIN)
    assert daily == parse("0 2 * * *", BERLIN)
    assert daily != parse("0 2 * * *", "UTC")


def silent(text: str, moment: str) -> str | None:
    return parse(text, BERLIN).silent_line(at(moment))


@pytest.mark.parametrize(
    ("text", "moment", "line"),
    [
        ("2199-01-01", "2026-01-05 12:00:00", "2199-01-01"),
        ("2199-01-01", "2194-06-05 12:00:00", None),
        ("2031-12-31", "2026-01-05 12:00:00", "2031-12-31"),
        ("2031-12-31", "2027-01-05 12:00:00", None),
        ("2025-01-02 00:00:00", "2026-01-05 12:00:00", "2025-01-02 00:00:00"),
        ("2025-01-02 00:00:00", "2025-01-01 22:59:59", None),
        ("2025-01-02 00:00:00", "2025-01-01 23:00:00", "2025-01-02 00:00:00"),
        ("0 0 29 2 *", "2024-03-01 00:00:00", None),
        ("0 0 29 2 *", "2096-03-01 00:00:00", "0 0 29 2 *"),
        ("0 2 * * *\n2199-01-01", "2026-01-05 12:00:00", "2199-01-01"),
        ("every 10 days", "2026-01-05 12:00:00", None),
    ],
)
def test_a_line_that_is_not_due_in_five_years(text: str, moment: str, line: str | None) -> None:
    assert silent(text, moment) == line


# What is refused


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        (" \n\t\n", "empty"),
        ("*/0 * * * *", "minute '*/0' is not valid"),
        ("60 * * * *", "minute '60' is not valid"),
        ("0 0 1 2-2/0 *", "month '2-2/0' is not valid"),
        ("0 0 1 13-13/1 *", "month '13-13/1' is not valid"),
        ("5-1 * * * *", "minute '5-1' is not valid"),
        (", * * * *", "minute ',' is not valid"),
        ("0 24 * * *", "hour '24' is not valid"),
        ("0 0 0 * *", "day of month '0' is not valid"),
        ("0 0 1 13 *", "month '13' is not valid"),
        ("0 0 1 FOO *", "month 'FOO' is not valid"),
        ("0 0 * * 8", "day of week '8' is not valid"),
        ("0 0 * * 1#6", "day of week '1#6' is not valid"),
        ("0 0 30 2 *", "day of month '30' never comes in month '2'"),
        ("0 0 31 2,4,6 *", "day of month '31' never comes"),
        ("0 0 29 2 */7", "does not fire within 5 years"),
        ("0 0 0 * * *", "cron has 5 fields"),
        ("@reboot", "names an event, not a time"),
        ("@nightly", "unknown macro"),
        ("*-02-30", "never comes in its months"),
        ("2020-01-01", "does not fire within 5 years"),
        ("Mon *-02-29", "does not fire within 5 years"),
        ("25:00", "(hour)"),
        ("07:00 Nowhere/City", "is not a schedule"),
        ("07:00 localtime", "is not a schedule"),
        ("hello", "is not a schedule"),
        ("0 2 * *", "'0 2 * *' is not a schedule; use 5 cron fields"),
        ("0", "from 1 second to 10 years"),
        ("every 11 years", "is not an interval"),
        ("every 600w", "from 1 second to 10 years"),
        ("9" * 200, "from 1 second to 10 years"),
        ("every", "is not an interval"),
        ("every 1", "is not an interval"),
        ("every month", "is not an interval"),
        (
            "every weekday at 7",
            "such as 'every 5m' or 'every 2 hours'; as cron it is '0 7 * * 1-5'",
        ),
        ("daily at 6:30 pm", "; as cron it is '30 18 * * *'"),
        ("every 5m\n0 2 * * *", "an interval stands alone"),
        ("300\n300", "an interval stands alone"),
        ("٣ * * * *", "printable ASCII"),
        ("*/\uff15 * * * *", "printable ASCII"),
        ("0 2 * * \u017fun", "printable ASCII"),
        ("0 2 * * *\0", "printable ASCII"),
        ("0 2\x0b* * *", "printable ASCII"),
        ("0 2 * * *\x1b[31m", "printable ASCII"),
        ("0,\r0 2 * * *", "printable ASCII"),
        ("1," * 128 + "1 * * * *", "at most 256 characters"),
        ("1," * 50_000, "longer than 20 lines"),
        ("@daily\n" * 21, "at most 20 lines"),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(Problem) as caught:
        parse(text)
    assert caught.value.kind == "invalid"
    assert message in caught.value.fields["schedule"]


def test_the_longest_allowed() -> None:
    line = "0 2 * * " + "1," * 123 + "1"
    assert len(line) == 255
    assert parse("\n".join([line] * 20)).after(at("2026-01-01")) == at("2026-01-05 02:00")


def test_the_caller_names_the_field() -> None:
    with pytest.raises(Problem) as caught:
        parse("x", field="cron")
    assert set(caught.value.fields) == {"cron"}


@pytest.mark.parametrize(
    "zone",
    [
        "", "localtime", "posixrules", "Factory", "europe/berlin", "Europe/berlin",
        " Europe/Berlin", "Berlin", "/etc/localtime", "../UTC", "Europe/../UTC", "posix/UTC",
        "right/UTC", "UTC\0", "tzdata.zi", "zone.tab", "CEST", "UTC+1", "x" * 100_000,
    ],
)  # fmt: skip
def test_zones_that_are_refused(zone: str) -> None:
    with pytest.raises(Problem) as caught:
        parse("@daily", zone)
    assert set(caught.value.fields) == {"timezone"}


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Argentina/Ushuaia", "Etc/GMT+5"])
def test_zones_that_are_accepted(zone: str) -> None:
    assert parse("@daily", zone).timezone == zone


# Laws


def terms(low: int, high: int, dash: str = "-") -> st.SearchStrategy[str]:
    numbers = st.integers(low, high)
    ranges = st.tuples(numbers, numbers).map(sorted)
    return numbers.map(str) | ranges.map(lambda ends: f"{ends[0]}{dash}{ends[1]}")


def cron_fields(low: int, high: int) -> st.SearchStrategy[str]:
    stars = st.just("*") | st.integers(1, high).map("*/{}".format)
    return st.one_of(stars, st.lists(terms(low, high), min_size=1, max_size=3).map(",".join))


def clocks(high: int) -> st.SearchStrategy[str]:
    return st.just("*") | st.integers(1, 30).map("0/{}".format) | terms(0, high, "..")


CRON = st.tuples(
    *(cron_fields(*ends) for ends in ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7)))
).map(" ".join)
ONCALENDAR = st.tuples(clocks(23), clocks(59), clocks(59)).map(":".join) | st.builds(
    "*-*-{} {}:0".format, terms(1, 31, ".."), clocks(23)
)
TEXTS = st.one_of(CRON, ONCALENDAR, st.integers(1, 10**6).map("every {}".format))
PLACES = st.sampled_from(
    [
        "UTC",
        BERLIN,
        NEW_YORK,
        "Australia/Lord_Howe",
        "Africa/Casablanca",
        "Antarctica/Troll",
        "Pacific/Apia",
    ]
)
STARTS = st.integers(160_000_000, 4_400_000_000).map(lambda s: datetime.fromtimestamp(s, UTC))


def accepted(text: str, zone: str) -> Schedule | None:
    try:
        return parse(text, zone)
    except Problem as problem:
        if set(problem.fields) != {"schedule"}:
            raise
        return None


SCHEDULES = st.builds(accepted, TEXTS, PLACES).filter(lambda found: found is not None)


@given(SCHEDULES, STARTS)
@settings(deadline=None)
def test_after_is_later_and_next_is_a_chain(schedule: Schedule, start: datetime) -> None:
    times = schedule.next(5, start)
    assert len(times) == 5
    assert all(early < late for early, late in zip([start, *times], times, strict=False))
    assert schedule.next(3, start) == times[:3]
    assert schedule.next(3, times[1]) == times[2:]


@given(SCHEDULES, STARTS, st.timedeltas(timedelta(), timedelta(days=3)))
@settings(deadline=None)
def test_after_is_monotone(schedule: Schedule, start: datetime, more: timedelta) -> None:
    first, second = schedule.after(start), schedule.after(start + more)
    assert first is not None
    assert second is not None
    assert first <= second
    if not schedule.relative and start + more < first:
        assert first == second


@given(st.text() | st.text("0123456789*/-,LW#@: .~adeimnotuvryhwk", max_size=60), PLACES)
@settings(deadline=None)
def test_any_text_is_a_schedule_or_a_problem(text: str, zone: str) -> None:
    schedule = accepted(text, zone)
    if schedule is not None:
        assert schedule.english()
        assert parse(schedule.text, zone) == schedule
