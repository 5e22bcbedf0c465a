"""From the text that people write to a `Schedule`, or to a problem that names the field.

Which kind a line is: `@macro` or five fields and more is cron; `every ...` or a number (with
a unit) is an interval; all else is OnCalendar.
"""

from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from dogwatch.core.problems import invalid
from dogwatch.core.schedule.calendar import Calendar
from dogwatch.core.schedule.cron import compile_cron, is_cron
from dogwatch.core.schedule.interval import interval_s, is_interval
from dogwatch.core.schedule.oncalendar import compile_oncalendar
from dogwatch.core.schedule.schedule import Schedule
from dogwatch.core.schedule.spans import zone_names
from dogwatch.core.schedule.words import cron_of

MAX_LINES, MAX_LINE = 20, 256
MAX_TEXT = MAX_LINES * (MAX_LINE + 2)
# What never fires is found out on a fixed stretch with a leap year, so that what was once taken is
# read at any later time; whether it fires soon is asked of `Schedule.silent_line`.
FIRST_YEAR, WITHIN_YEARS = 2025, 5


def parse(text: str, timezone: str = "UTC", *, field: str = "schedule") -> Schedule:
    """Return the schedule; raises a `Problem` of `field` or of "timezone". Repeats are cheap."""
    if len(timezone) > MAX_LINE or timezone not in zone_names():
        raise invalid("timezone", "not an IANA time zone name, such as Europe/Berlin or UTC")
    try:
        return _parse(text, timezone) if len(text) <= MAX_TEXT else _too_long()
    except ValueError as error:
        raise invalid(field, f"{error}{_meant(text)}") from None


def _meant(text: str) -> str:
    """Return how cron says what is said in words, which only pages and the command line take."""
    cron = cron_of(text) if len(text) <= MAX_LINE else text
    return f"; as cron it is {cron!r}" if cron != text else ""


def parse_from(text: str, timezone: str, starts_at: datetime | None) -> Schedule:
    """Return the schedule from its start on."""
    schedule = parse(text, timezone)
    return replace(schedule, starts_at=starts_at.astimezone(UTC)) if starts_at else schedule


def _too_long() -> Schedule:
    raise ValueError(f"longer than {MAX_LINES} lines of {MAX_LINE} characters")


@lru_cache(maxsize=2048)
def _parse(text: str, timezone: str) -> Schedule:
    lines = [stripped for line in text.split("\n") if (stripped := _checked(line))]
    if not lines:
        raise ValueError("empty")
    if len(lines) > MAX_LINES:
        raise ValueError(f"at most {MAX_LINES} lines")
    clean = "\n".join(lines)
    if not any(map(is_interval, lines)):
        zone = ZoneInfo(timezone)
        return Schedule(clean, timezone, calendars=tuple(_calendar(line, zone) for line in lines))
    if len(lines) > 1:
        raise ValueError("an interval stands alone, without other lines")
    return Schedule(clean, timezone, interval_s(lines[0]))


def _checked(line: str) -> str:
    if len(line) > MAX_LINE + 1:
        raise ValueError(f"a line has at most {MAX_LINE} characters")
    line = line.replace("\t", " ").strip(" \r")
    if not (line.isascii() and (line.isprintable() or not line)):
        raise ValueError("only printable ASCII characters are allowed")
    return line


def _calendar(line: str, zone: ZoneInfo) -> Calendar:
    calendar = compile_cron(line, zone) if is_cron(line) else compile_oncalendar(line, zone)
    start = datetime(_start_year(calendar), 1, 1)  # noqa: DTZ001 (a wall time)
    if calendar.next_wall(start).year >= start.year + WITHIN_YEARS:
        raise ValueError(f"{line[:40]!r} does not fire within {WITHIN_YEARS} years")
    return calendar


def _start_year(calendar: Calendar) -> int:
    years = calendar.pattern.years
    if years is None:
        return FIRST_YEAR
    return min((year for year in years if year >= FIRST_YEAR), default=FIRST_YEAR)
