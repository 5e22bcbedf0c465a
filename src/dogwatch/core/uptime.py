"""How the days of a watch went, told by its changes of status alone."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from dogwatch.core.strip import GRAVITY, Turn
from dogwatch.core.watch import Status

_KNOWN = frozenset({Status.UP, Status.DEGRADED, Status.DOWN})


@dataclass(frozen=True, slots=True)
class Day:
    """A UTC day: the worst status in it, None where nothing was known, and seconds of it."""

    date: date
    status: Status | None = None
    known_s: float = 0
    down_s: float = 0


def days(
    first: Status, turns: Sequence[Turn], from_at: datetime, count: int, until_at: datetime
) -> list[Day]:
    """Return the last `count` days up to `until_at`; the watch was `first` from `from_at` on."""
    last = until_at.astimezone(UTC).date()
    found = {last - timedelta(days=back): Day(last - timedelta(days=back)) for back in range(count)}
    for status, began_at, ended_at in _spans(first, turns, from_at, until_at):
        for day, seconds in _by_day(began_at, ended_at):
            if day in found and status in _KNOWN:
                found[day] = _with(found[day], status, seconds)
    return [found[day] for day in sorted(found)]


def merged(several: Iterable[Sequence[Day]]) -> list[Day]:
    """Return the days of several watches as one: the worst of them, their times on average."""
    return [_merged(same) for same in zip(*several, strict=True)]


def percent(several: Iterable[Day]) -> float | None:
    """Return the share of the known time that was not down, never rounded up to 100."""
    known = list(several)
    known_s, down_s = sum(day.known_s for day in known), sum(day.down_s for day in known)
    if not known_s:
        return None
    return 100.0 if not down_s else min(round(100 * (1 - down_s / known_s), 2), 99.99)


def _spans(
    first: Status, turns: Sequence[Turn], from_at: datetime, until_at: datetime
) -> Iterator[tuple[Status, datetime, datetime]]:
    status, began_at = first, from_at
    for turn in turns:
        if began_at < turn.at:
            yield status, began_at, min(turn.at, until_at)
        status, began_at = turn.status, max(turn.at, from_at)
    if began_at < until_at:
        yield status, began_at, until_at


def _by_day(began_at: datetime, ended_at: datetime) -> Iterator[tuple[date, float]]:
    while began_at < ended_at:
        day = began_at.astimezone(UTC).date()
        midnight = datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC)
        until = min(midnight, ended_at)
        yield day, (until - began_at).total_seconds()
        began_at = until


def _with(day: Day, status: Status, seconds: float) -> Day:
    down_s = seconds if status is Status.DOWN else 0
    return Day(day.date, _worse(day.status, status), day.known_s + seconds, day.down_s + down_s)


def _merged(same: Sequence[Day]) -> Day:
    total = same[0]
    for day in same[1:]:
        total = replace(
            total, status=_worse(total.status, day.status), known_s=total.known_s + day.known_s,
            down_s=total.down_s + day.down_s,
        )  # fmt: skip
    several = len(same)
    return replace(total, known_s=total.known_s / several, down_s=total.down_s / several)


def _worse(one: Status | None, other: Status | None) -> Status | None:
    return max(one, other, key=GRAVITY.__getitem__) if one and other else one or other
