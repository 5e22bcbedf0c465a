"""`Schedule` against a replay of Debian cron, minute by minute, over every change of the clocks.

The replay is written from crontab(5) and cron(8) and knows nothing of our code: each minute the
daemon compares the wall clock with the last minute it served (cron(8), Notes). Forward by less
than 3 hours: wildcard jobs run for the new minute, fixed ones for every minute skipped. Back by
less than 3 hours: wildcard jobs alone, until the clock has caught up. More: a correction.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import pytest

from dogwatch.core.schedule import parse
from tests.harness.proof import length

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

ZONE_NAMES = """
Africa/Cairo Africa/Casablanca America/Asuncion America/Havana America/New_York America/Nuuk
America/Santiago America/St_Johns Antarctica/Troll Asia/Beirut Asia/Jerusalem Asia/Kathmandu
Atlantic/Azores Australia/Lord_Howe Australia/Sydney Europe/Berlin Europe/Chisinau Europe/Dublin
Europe/London Pacific/Apia Pacific/Auckland Pacific/Chatham Pacific/Easter UTC
"""
ZONES = ZONE_NAMES.split()
YEARS = int(length("DOGWATCH_PROVE_YEARS", 2, 6))

FIXED = """
0 0 * * *|15 0 * * *|59 23 * * *|30 23 * * *|0 1 * * *|30 1 * * *|45 1 * * *|59 1 * * *|0 2 * * *
1 2 * * *|15 2 * * *|30 2 * * *|45 2 * * *|59 2 * * *|0 3 * * *|1 3 * * *|30 3 * * *|0 4 * * *
0 12 * * *|0,30 0 * * *|0,20,40 1,2,3 * * *|15,45 0-4 * * *|0-5 2 * * *|58-59 1 * * *|0 0,12 * * *
30 0-23/2 * * *|10 1-23/3 * * *|5 4 * * SUN|30 2 * * SUN|0 0 * * MON-FRI|30 1 * * 0|45 2 * * 6,7
30 2 */2 * *|0 3 1-7 * 7|0 2 25-31 3,10 *|30 0 1 * *|0 1 L * *|30 2 * MAR,APR,SEP-NOV *
17 2 28-31 * 0|0 1-5 * 3-11 *|0 0 1 1 *|30 1 29 10 *|2-58/28 2 * * *|0 0-5/5 * * 1-6
"""
WILD = """
* * * * *|*/5 * * * *|*/30 * * * *|0 * * * *|30 * * * *|*/20 2 * * *
* 2 * * *|*/15 0-3 * * *|0 */2 * * *|15 */3 * * *|45 */4 * * *|*/45 * * * *
*/10 0 * * *|7-59/13 * * * *|* 0 * * SUN|*/25 1,2 * * 0,6
"""
FIXED_EXPRESSIONS = FIXED.strip().replace("\n", "|").split("|")
WILD_EXPRESSIONS = WILD.strip().replace("\n", "|").split("|")
NAMES = {
    name: str(number)
    for names, first in (
        ("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC", 1),
        ("SUN MON TUE WED THU FRI SAT", 0),
    )
    for number, name in enumerate(names.split(), first)
}


def values(text: str, low: int, high: int) -> set[int]:
    """Expand one cron field."""
    found: set[int] = set()
    for term in text.split(","):
        span, _, step = term.partition("/")
        first, _, last = (f"{low}-{high}" if span == "*" else span).partition("-")
        begin, end = (int(NAMES.get(number, number)) for number in (first, last or first))
        found |= set(range(begin, end + 1, int(step or 1)))
    return found


@dataclass
class Job:
    """A crontab line, matched against one wall minute."""

    text: str
    minutes: list[timedelta] = field(init=False)
    wild: bool = field(init=False)

    def __post_init__(self) -> None:
        """Split the five fields."""
        minute, hour, self.day, month, self.weekday = self.text.split()
        self.wild = minute.startswith("*") or hour.startswith("*")
        hours = sorted(values(hour, 0, 23))
        self.minutes = [h * HOUR + m * MINUTE for h in hours for m in values(minute, 0, 59)]
        self.months = values(month, 1, 12)
        self.days = set() if self.day == "L" else values(self.day, 1, 31)
        self.weekdays = {number % 7 for number in values(self.weekday, 0, 7)}

    def on(self, today: date) -> bool:
        """Day of month and weekday: both if either starts with a star, else one is enough."""
        last = self.day == "L" and (today + DAY).day == 1
        by_day = last or today.day in self.days
        by_weekday = today.isoweekday() % 7 in self.weekdays
        star = self.day.startswith("*") or self.weekday.startswith("*")
        due = (by_day and by_weekday) if star else (by_day or by_weekday)
        return due and today.month in self.months


@dataclass
class Replay:
    """What the daemon serves in a window: wall minute to the real minutes it is served at."""

    start: datetime
    end: datetime
    fixed: dict[datetime, list[datetime]] = field(default_factory=dict)
    wild: dict[datetime, list[datetime]] = field(default_factory=dict)

    @cached_property
    def days(self) -> list[date]:
        """The dates on the wall."""
        return sorted({wall.date() for wall in (*self.wild, *self.fixed)})

    def times(self, job: Job) -> list[datetime]:
        """Every real minute in which the daemon starts the job."""
        served = self.wild if job.wild else self.fixed
        found = set()
        for today in self.days:
            if job.on(today):
                midnight = datetime(today.year, today.month, today.day)  # noqa: DTZ001 (a wall time)
                for minute in job.minutes:
                    found |= set(served.get(midnight + minute, ()))
        return sorted(found)


def wall_at(zone: ZoneInfo, now: datetime) -> datetime:
    """What a clock on the wall shows."""
    return now.astimezone(zone).replace(tzinfo=None)


def replay(zone: ZoneInfo, start: datetime, end: datetime) -> Replay:
    """Run the daemon's loop from `start` (not served any more) to `end`."""
    seen = Replay(start, end)
    now, virtual = start, wall_at(zone, start)
    while now < end:
        now += MINUTE
        running = wall_at(zone, now)
        moved = running - virtual
        if not -3 * HOUR < moved <= 3 * HOUR:
            virtual = running - MINUTE
        seen.wild.setdefault(running, []).append(now)
        while virtual < running:
            virtual += MINUTE
            seen.fixed.setdefault(virtual, []).append(now)
    return seen


def transitions(zone: ZoneInfo, first: int, last: int) -> list[datetime]:
    """The last hour before each change of the UTC offset in these years."""
    now, found = datetime(first, 1, 1, tzinfo=UTC), []
    while now.year <= last:
        if (now + DAY).astimezone(zone).utcoffset() != now.astimezone(zone).utcoffset():
            hour = now
            while (hour + HOUR).astimezone(zone).utcoffset() == now.astimezone(zone).utcoffset():
                hour += HOUR
            found.append(hour)
        now += DAY
    return found


JOBS = {text: Job(text) for text in FIXED_EXPRESSIONS + WILD_EXPRESSIONS}


def schedule_times(text: str, zone: str, window: Replay) -> list[datetime]:
    schedule, found = parse(text, zone), []
    due = schedule.after(window.start)
    while due is not None and due <= window.end:
        found.append(due)
        due = schedule.after(due)
    return found


def disagreements(zone: str, changes: list[datetime]) -> list[str]:
    """Compare every expression around each change; dense ones in a narrow window."""
    wrong = []
    for change in changes:
        wide = replay(ZoneInfo(zone), change - 14 * HOUR, change + 27 * HOUR)
        near = replay(ZoneInfo(zone), change - 3 * HOUR, change + 5 * HOUR)
        for text, job in JOBS.items():
            window = near if len(job.minutes) > 12 else wide
            expected, got = window.times(job), schedule_times(text, zone, window)
            if expected != got:
                wrong.append(f"{text} at {change}: {sorted(set(expected) ^ set(got))[:4]}")
    return wrong


def test_there_are_sixty_expressions_and_twenty_zones() -> None:
    assert len(JOBS) >= 60
    assert len(ZONES) >= 20


@pytest.mark.parametrize("zone", ZONES)
def test_every_change_runs_as_debian_cron_does(zone: str) -> None:
    assert disagreements(zone, transitions(ZoneInfo(zone), 2024, 2024 + YEARS)) == []


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "UTC"])
def test_zones_without_changes_agree_too(zone: str) -> None:
    assert disagreements(zone, [datetime(2026, 3, 29, 1, tzinfo=UTC)]) == []


def test_the_day_that_samoa_skipped_is_a_correction() -> None:
    changes = transitions(ZoneInfo("Pacific/Apia"), 2011, 2011)
    assert datetime(2011, 12, 30, 9, tzinfo=UTC) in changes
    assert disagreements("Pacific/Apia", changes) == []
