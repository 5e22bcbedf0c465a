"""How many requests are let through: windows as values, what was spent as marks.

`fixed` windows are aligned to the epoch (whole minutes, hours, UTC days), `first` windows begin
with the first request, and `even` is the generic cell rate algorithm (GCRA, ITU-T I.371): a steady
rate that lets a burst of `limit` through.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

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


@dataclass(frozen=True, slots=True)
class Verdict:
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


def _fixed(window: Window, mark: Mark | None, at: datetime) -> tuple[Mark, Verdict]:
    length = timedelta(seconds=window.seconds)
    return _counted(window, mark, _EPOCH + (at - _EPOCH) // length * length, at)


def _first(window: Window, mark: Mark | None, at: datetime) -> tuple[Mark, Verdict]:
    length = timedelta(seconds=window.seconds)
    going = mark is not None and mark.at <= at < mark.at + length
    return _counted(window, mark, mark.at if mark and going else at, at)


def _counted(
    window: Window, mark: Mark | None, begin_at: datetime, at: datetime
) -> tuple[Mark, Verdict]:
    spent = mark.count if mark and mark.at == begin_at else 0
    passes = spent < window.limit
    after = Mark(begin_at, spent + passes)
    reset_at = begin_at + timedelta(seconds=window.seconds)
    wait_s = 0.0 if passes else (reset_at - at).total_seconds()
    return after, Verdict(window, passes, window.limit - after.count, reset_at, wait_s)


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
