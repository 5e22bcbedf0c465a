"""Leases of windows: requests that one node spent in the database before it let them pass.

So nodes never pass more than the limit together. A lease is twice what a node just had, and an
eighth of what was left at most; what is left of it after a second goes back. Nothing is leased of
even windows.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dogwatch.core.limits import Mark, Verdict, Window, reserve, restore
from dogwatch.store import spent
from dogwatch.store.spent import Place
from dogwatch.store.tx import Tx
from dogwatch.usecases.limiting import Asked, Marks, spend_in

LEASED_S = 1.0
SHARE = 8


@dataclass(slots=True)
class Lease:
    """Of the window that began then, `left` requests may still pass here, until a monotonic time.

    `others` are those that nobody has spent, `used` those of this node since the database was
    last asked.
    """

    window: Window
    began_at: datetime
    reset_at: datetime
    others: int
    until: float
    left: int
    used: int

    def serves(self, window: Window, at: datetime, now: float) -> bool:
        """Whether a request may pass."""
        if self.left <= 0 or now >= self.until or at >= self.reset_at:
            return False
        return self.window is window or self.window == window

    def passed(self) -> Verdict:
        """Let one pass."""
        self.left -= 1
        self.used += 1
        return Verdict(self.window, True, self.others + self.left, self.reset_at, 0.0)

    def more(self, waiting: int, now: float) -> int:
        """Return how many to lease for one that asks again, with so many waiting for answers."""
        used = self.used if now < self.until + LEASED_S else 0
        return 2 * (used + waiting - 1)

    def is_over(self, now: float) -> bool:
        """Whether nothing is left to give back or to learn from."""
        return not self.left and now >= self.until + LEASED_S


@dataclass(frozen=True, slots=True)
class Returned:
    """So many requests of the window that began then, which did not pass."""

    place: Place
    began_at: datetime
    count: int


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of requests, and the marks and the leases of their places."""

    verdicts: Sequence[Sequence[Verdict]]
    marks: Marks
    leased: Mapping[Place, int]


def settle(
    tx: Tx,
    batch: Sequence[Sequence[Asked]],
    returned: Collection[Returned],
    wanted: Mapping[Place, int],
    at: datetime,
) -> Settled:
    """Take back what did not pass, spend requests in turn, and lease what is wanted."""
    windows = {one.place: one.window for asked in batch for one in asked}
    marks = spent.held(tx, windows.keys() | {one.place for one in returned})
    before = dict(marks)
    for one in returned:
        mark, over_at = marks[one.place]
        marks[one.place] = restore(mark, one.began_at, one.count), over_at
    verdicts = [spend_in(marks, asked, at) for asked in batch]
    leased = {
        place: _lease(marks, place, window, wanted.get(place, 0), at)
        for place, window in windows.items()
    }
    spent.save(tx, {place: now for place, now in marks.items() if before[place] != now})
    return Settled(verdicts, marks, leased)


def _lease(marks: Marks, place: Place, window: Window, most: int, at: datetime) -> int:
    mark, over_at = marks[place]
    share = (window.limit - mark.count) // SHARE
    mark, count = reserve(window, mark, min(most, share), at)
    marks[place] = mark, over_at
    return count


def lease_of(window: Window, mark: Mark, left: int, used: int, until: float) -> Lease:
    """Return a lease as it begins."""
    reset_at = mark.at + timedelta(seconds=window.seconds)
    others = max(0, window.limit - mark.count)
    return Lease(window, mark.at, reset_at, others, until, left, used)
