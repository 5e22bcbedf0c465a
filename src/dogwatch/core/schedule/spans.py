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
FIRST_YEAR, LAST_YEAR = 1900, 9900  # what lies outside is never due
# No zone changed its offset twice within three days since 1970.
PROBE = timedelta(days=3)
NOT_PLACES = frozenset({"localtime", "posixrules", "Factory"})
# Links to it in the tz database (backward, etcetera); browsers and machines name any of them.
_UTC = frozenset(
    {
        *("UCT", "Universal", "Zulu", "Greenwich", "GMT", "GMT+0", "GMT-0", "GMT0"),
        *("Etc/UTC", "Etc/UCT", "Etc/Universal", "Etc/Zulu", "Etc/Greenwich"),
        *("Etc/GMT", "Etc/GMT+0", "Etc/GMT-0", "Etc/GMT0"),
    }
)


def plain_zone(name: str) -> str:
    """Return a zone's name, UTC for all that are the same as UTC."""
    return "UTC" if name in _UTC else name


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


def _instant(zone: ZoneInfo, early: datetime, late: datetime) -> datetime:
    """Return the second within (early, late] at which the offset changes, by bisection."""
    before = offset(zone, early)
    while late - early > SECOND:
        middle = early + SECOND * ((late - early) // SECOND // 2)
        if offset(zone, middle) == before:
            early = middle
        else:
            late = middle
    return late


@lru_cache(maxsize=4096)
def changes(zone: ZoneInfo, year: int) -> tuple[Change, ...]:
    """Return the offset changes in a UTC year, in order."""
    found = []
    early, end = datetime(year, 1, 1) - SECOND, datetime(year + 1, 1, 1) - SECOND  # noqa: DTZ001 (naive UTC)
    before = offset(zone, early)
    while early < end:
        late = min(early + PROBE, end)
        after = offset(zone, late)
        if before != after:
            found.append(Change(_instant(zone, early, late), before, after))
        early, before = late, after
    return tuple(found)


def spans(zone: ZoneInfo, at: datetime, until: datetime) -> Iterator[Span]:
    """Yield the span that holds `at` and those after it; `until` is the start of a year."""
    here = offset(zone, at)
    opening = Change(at - timedelta(days=366), here, here)
    for year in range(at.year - 1, until.year):
        for change in changes(zone, year):
            if change.at > at:
                yield Span(opening, change.at)
            opening = change
    yield Span(opening, until)
