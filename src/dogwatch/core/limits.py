"""How many requests are let through: windows as values, what was spent as marks.

`fixed` windows are aligned to the epoch (whole minutes, hours, UTC days), `first` windows begin
with the first request, and `even` is the generic cell rate algorithm (GCRA, ITU-T I.371): a steady
rate that lets a burst of `limit` through.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """At most `limit` requests, at least one, in `seconds`."""

    kind: Literal["fixed", "first", "even"]
    limit: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Mark:
    """What was spent of a window: `count` since `at`; of an even one, until when it is spent."""

    at: datetime
    count: int


class Verdict(NamedTuple):
    """Whether a request passes one window, and what the caller is told of that window."""

    window: Window
    passes: bool
    remaining: int
    reset_at: datetime
    retry_after_s: float


def spend(
    windows: Sequence[Window], marks: Sequence[Mark | None], at: datetime
) -> tuple[Sequence[Mark | None], Sequence[Verdict]]:
    """Return the marks after a request at `at`, and the verdict of each window.

    A request that any window refuses is spent in none of them.
    """
    tried: list[tuple[Mark | None, Verdict]] = [
        _SPENDS[window.kind](window, mark, at) for window, mark in zip(windows, marks, strict=True)
    ]
    if not all(verdict.passes for _, verdict in tried):
        tried = [
            (mark, _unspent(window, mark, at)) if verdict.passes else (spent, verdict)
            for window, mark, (spent, verdict) in zip(windows, marks, tried, strict=True)
        ]
    return [mark for mark, _ in tried], [verdict for _, verdict in tried]


def reserve(window: Window, mark: Mark, most: int, at: datetime) -> tuple[Mark, int]:
    """Spend up to `most` beforehand of a window that is going; return the mark and how many.

    None of an even window: what is held back of it would fill up again meanwhile.
    """
    if window.kind == "even" or not mark.at <= at < mark.at + _length(window.seconds):
        return mark, 0
    taken = max(0, min(most, window.limit - mark.count))
    return Mark(mark.at, mark.count + taken), taken


def restore(mark: Mark, began_at: datetime, count: int) -> Mark:
    """Give back what was reserved of the window that began then, unless that is over."""
    return Mark(mark.at, max(0, mark.count - count)) if mark.at == began_at else mark


def _fixed(window: Window, mark: Mark | None, at: datetime) -> tuple[Mark, Verdict]:
    length = _length(window.seconds)
    if mark is not None and mark.at <= at < mark.at + length:
        return _counted(window, mark.at, mark.count, at)
    return _counted(window, _EPOCH + (at - _EPOCH) // length * length, 0, at)


def _first(window: Window, mark: Mark | None, at: datetime) -> tuple[Mark, Verdict]:
    if mark is not None and mark.at <= at < mark.at + _length(window.seconds):
        return _counted(window, mark.at, mark.count, at)
    return _counted(window, at, 0, at)


def _counted(window: Window, begin_at: datetime, spent: int, at: datetime) -> tuple[Mark, Verdict]:
    passes = spent < window.limit
    count = spent + passes
    reset_at = begin_at + _length(window.seconds)
    wait_s = 0.0 if passes else (reset_at - at).total_seconds()
    left = max(0, window.limit - count)
    return Mark(begin_at, count), Verdict(window, passes, left, reset_at, wait_s)


@lru_cache(maxsize=64)
def _length(seconds: int) -> timedelta:
    return timedelta(seconds=seconds)


def _even(window: Window, mark: Mark | None, at: datetime) -> tuple[Mark, Verdict]:
    each = timedelta(seconds=window.seconds) / window.limit
    whole = each * window.limit
    spent_until = max(mark.at, at) if mark else at
    if spent_until > at + whole:  # the clock was set back
        spent_until = at + whole
    passes = spent_until + each <= at + whole
    after = spent_until + each if passes else spent_until
    remaining = (at + whole - after) // each
    wait_s = 0.0 if passes else (after + each - whole - at).total_seconds()
    return Mark(after, 0), Verdict(window, passes, remaining, after, wait_s)


def _unspent(window: Window, mark: Mark | None, at: datetime) -> Verdict:
    """Return what a window says that would have let a request through which another refused."""
    _, spent = _SPENDS[window.kind](window, mark, at)
    return Verdict(window, True, spent.remaining + 1, spent.reset_at, 0.0)


_SPENDS = {"fixed": _fixed, "first": _first, "even": _even}
