"""systemd OnCalendar lines (systemd.time(7)), matched by the `oncalendar` library.

A line may end with a time zone of its own. Unlike systemd, which drops a time inside a DST gap,
these lines follow the same rule as cron (see `calendar`): a daily job runs every day.
"""

from copy import copy
from datetime import datetime
from zoneinfo import ZoneInfo

from oncalendar import DAYS_IN_MONTH, SPECIALS, BaseIterator, OnCalendarError

from dogwatch.core.schedule.calendar import NEVER, Calendar
from dogwatch.core.schedule.english import Pattern
from dogwatch.core.schedule.spans import SECOND, zone_names

ANY_TIME = datetime(2025, 1, 1)  # noqa: DTZ001 (a wall time)
ALL_YEARS = frozenset(range(1970, 2200))
FORMS = "5 cron fields, @daily, 'every 5m', or OnCalendar such as 'Mon..Fri *-*-* 07:00'"


def compile_oncalendar(line: str, zone: ZoneInfo) -> Calendar:
    """Compile a line; ValueError says what is wrong."""
    line, zone = _own_zone(line, zone)
    try:
        iterator = BaseIterator(line, ANY_TIME)
    except OnCalendarError as error:
        fault = str(error).lower().replace("bad ", "", 1).replace("-", " ")
        where = f" ({fault})" if set("-:") & set(line) else ""  # else it was not meant as one
        raise ValueError(f"{line[:40]!r} is not a schedule{where}; use {FORMS}") from None
    if min(iterator.days) > max(DAYS_IN_MONTH[month] for month in iterator.months):
        raise ValueError(f"{line[:40]!r} names a day that never comes in its months")
    return Calendar(
        zone, _is_fixed(line), _pattern(iterator), lambda start: _next_wall(iterator, start)
    )


def _own_zone(line: str, zone: ZoneInfo) -> tuple[str, ZoneInfo]:
    head, _, last = line.rpartition(" ")
    if head and last in zone_names():
        return head.strip(), ZoneInfo(last)
    return line, zone


def _is_fixed(line: str) -> bool:
    """A fixed time of day, as in cron: neither hours nor minutes start with a star."""
    clock = SPECIALS.get(line.lower(), line).split()[-1]
    return ":" not in clock or not any(part.startswith("*") for part in clock.split(":")[:2])


def _next_wall(iterator: BaseIterator, start: datetime) -> datetime:
    probe = copy(iterator)
    probe.dt = start - SECOND
    return next(probe, NEVER)


def _pattern(iterator: BaseIterator) -> Pattern:
    years = frozenset(iterator.years)
    return Pattern(
        seconds=frozenset(iterator.seconds),
        minutes=frozenset(iterator.minutes),
        hours=frozenset(iterator.hours),
        days=frozenset(iterator.days) - {0},
        months=frozenset(iterator.months),
        weekdays=frozenset((day + 1, 0) for day in iterator.weekdays),
        years=None if years == ALL_YEARS else years,
    )
