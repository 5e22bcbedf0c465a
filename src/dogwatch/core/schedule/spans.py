"""The stretches of constant UTC offset of a time zone, found by probing `zoneinfo`.

Instants here are naive datetimes in UTC, wall times are naive datetimes in the zone: comparing
two aware datetimes of one `ZoneInfo` would compare wall times and hide an hour.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

SECOND = timedelta(seconds=1)
# Further than any accepted calendar waits: 29 February on one weekday, across the year 2100.
SEARCH_YEARS = 50
FIRST_YEAR, LAST_YEAR = 1900, 9900  # what lies outside is never due
# No zone changed its offset twice within three days since 1970.
PROBE = timedelta(days=3)
NOT_PLACES = frozenset({"localtime", "posixrules", "Factory"})


@cache
def zone_names() -> frozenset[str]:
    """Return the exact IANA keys that a schedule may name."""
    return frozenset(available_timezones()) - NOT_PLACES


@dataclass(frozen=True, slots=True)
class Change:
    """At the instant `at` the offset goes from `before` to `after`."""

    at: datetime
    before: timedelta
    after: timedelta

    @property
    def shift(self) -> timedelta:
        """How far the clocks move: positive forward (a gap), negative back (an overlap)."""
        return self.after - self.before

    @property
    def walls(self) -> tuple[datetime, datetime]:
        """The wall times [from, to) that are skipped or repeated."""
        ends = sorted((self.at + self.before, self.at + self.after))
        return ends[0], ends[1]


@dataclass(frozen=True, slots=True)
class Span:
    """The instants from `opening.at` to `end` (excluded), all of offset `opening.after`."""

    opening: Change
    end: datetime


def offset(zone: ZoneInfo, at: datetime) -> timedelta:
    """Return the UTC offset at the instant `at`."""
    return at.replace(tzinfo=UTC).astimezone(zone).utcoffset() or timedelta()


def _bisect(zone: ZoneInfo, early: datetime, late: datetime) -> Change:
    before, after = offset(zone, early), offset(zone, late)
    while late - early > SECOND:
        middle = early + (late - early) // 2
        middle = middle.replace(microsecond=0)
        if offset(zone, middle) == before:
            early = middle
        else:
            late = middle
    return Change(late, before, after)


@lru_cache(maxsize=4096)
def changes(zone: ZoneInfo, year: int) -> tuple[Change, ...]:
    """Return the offset changes in a UTC year, in order."""
    found = []
    early, end = datetime(year, 1, 1) - SECOND, datetime(year + 1, 1, 1) - SECOND  # noqa: DTZ001 (naive UTC)
    while early < end:
        late = min(early + PROBE, end)
        if offset(zone, early) != offset(zone, late):
            found.append(_bisect(zone, early, late))
        early = late
    return tuple(found)


def spans(zone: ZoneInfo, at: datetime) -> Iterator[Span]:
    """Yield the span that holds `at` and those after it, `SEARCH_YEARS` far."""
    here = offset(zone, at)
    opening = Change(at - timedelta(days=366), here, here)
    for year in range(at.year - 1, min(at.year + SEARCH_YEARS, LAST_YEAR) + 1):
        for change in changes(zone, year):
            if change.at > at:
                yield Span(opening, change.at)
            opening = change
    yield Span(opening, datetime(at.year + SEARCH_YEARS, 1, 1))  # noqa: DTZ001 (naive UTC)
