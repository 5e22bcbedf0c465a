"""Round marks for axes: times by the clock of a zone, and lengths of time."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# Steps of a clock divide a day; those of a calendar are whole days, of which a Monday may begin.
_STEPS = (
    *(timedelta(seconds=n) for n in (1, 5, 10, 15, 30)),
    *(n * MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * HOUR for n in (1, 2, 3, 6, 12)),
    *(n * DAY for n in (1, 2, 7, 14, 28, 91, 182, 364)),
)
_LENGTHS_MS = (
    *(n * tens for tens in (1, 10, 100) for n in (1, 2, 5)),
    *(1_000 * n for n in (1, 2, 5, 10, 15, 30)),
    *(60_000 * n for n in (1, 2, 5, 10, 15, 30)),
    *(3_600_000 * n for n in (1, 2, 3, 6, 12, 24, 48, 168)),
)
MOST = 7


def times(
    begin_at: datetime, end_at: datetime, zone: tzinfo, most: int = MOST
) -> tuple[timedelta, list[datetime]]:
    """Return the least step that gives at most so many marks, and the marks in that zone."""
    length = end_at - begin_at
    step = next((one for one in _STEPS if length / one <= most), _STEPS[-1])
    found = (
        _days(begin_at, end_at, zone, step) if step >= DAY else _clock(begin_at, end_at, zone, step)
    )
    return step, [at for at in found if begin_at <= at <= end_at]


def _days(
    begin_at: datetime, end_at: datetime, zone: tzinfo, step: timedelta
) -> Iterator[datetime]:
    """Yield midnights: of each day, of each Monday, or of every so many."""
    day, last = begin_at.astimezone(zone).date(), end_at.astimezone(zone).date()
    while day <= last:
        if (day.toordinal() - 1) % step.days == 0:
            yield datetime.combine(day, time(), zone)
        day += DAY


def _clock(
    begin_at: datetime, end_at: datetime, zone: tzinfo, step: timedelta
) -> Iterator[datetime]:
    """Yield times of the clock; what it leaps over in spring is left out."""
    at = datetime.combine(begin_at.astimezone(zone).date(), time())
    last = end_at.astimezone(zone).replace(tzinfo=None)
    begin = begin_at.astimezone(zone).replace(tzinfo=None)
    at += (begin - at) // step * step
    while at <= last:
        there = at.replace(tzinfo=zone)
        if there.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == at:
            yield there
        at += step


def told(at: datetime, step: timedelta) -> str:
    """Return a mark in words: the time, at midnight the day."""
    if step >= 91 * DAY:
        return f"{at:%b %Y}"
    if step >= DAY or not (at.hour or at.minute or at.second):
        return f"{at:%a %d %b}" if step < 7 * DAY else f"{at:%d %b}"
    return f"{at:%H:%M:%S}" if step < MINUTE else f"{at:%H:%M}"


def lengths_ms(most_ms: float, most: int = 5) -> Sequence[float]:
    """Return round lengths from 0 to `most_ms`, so many steps at most."""
    step = next((one for one in _LENGTHS_MS if most_ms / one <= most), _LENGTHS_MS[-1])
    return [n * step for n in range(int(most_ms // step) + 1)][: 2 * most]
