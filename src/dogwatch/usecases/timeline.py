"""The timeline: what ran when, what overlapped, and what is to come, a lane for each item."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dogwatch.core.watch import Status, phase
from dogwatch.store import overview, timeline
from dogwatch.store.timeline import Level, Ran
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases.overview import Chosen

__all__ = ["Ran"]

LANES = 200
CELLS = 480
# So much of what is shown lies ahead.
AHEAD = 4
MOST_COMING = 120


@dataclass(frozen=True, slots=True)
class Lane:
    """One item: what it did, when it is due, and how long it usually takes.

    `dense`: it is due more often than can be drawn.
    """

    record: Record
    phase: str
    ran: Sequence[Ran]
    coming: Sequence[datetime]
    dense: bool = False

    @property
    def usual(self) -> timedelta:
        """How long the last good run took."""
        return timedelta(milliseconds=self.record.watch.duration_ms or 0)


@dataclass(frozen=True, slots=True)
class Timeline:
    """All lanes from `begin_at` to `end_at`; what lies after `at` is to come.

    `together` tells for each cell of the past how many items ran at once in it at most, `busiest`
    how many did in all of it, and when first.
    """

    begin_at: datetime
    at: datetime
    end_at: datetime
    lanes: Sequence[Lane]
    together: Sequence[int]
    total: int
    busiest: tuple[int, datetime]


def timeline_of(
    tx: Tx, workspace_id: int, chosen: Chosen, past: timedelta, at: datetime
) -> Timeline:
    """Return the timeline of the items chosen, the worst first, as Now has them."""
    counts = overview.counts(tx, workspace_id, at, chosen.tag, chosen.words)
    offset = (chosen.page - 1) * LANES
    records = overview.page(
        tx, workspace_id, at, chosen.state, chosen.tag, chosen.words, offset, LANES
    )
    begin_at, end_at = at - past, at + past / AHEAD
    found: dict[str, list[Ran]] = {}
    asked = tx, workspace_id, [record.id for record in records], begin_at, at, past / CELLS
    for one in timeline.ran(*asked):
        found.setdefault(one.watch_id, []).append(one)
    lanes = [_lane(record, found.get(record.id, ()), at, end_at) for record in records]
    total = counts.get(chosen.state, 0) if chosen.state else sum(counts.values())
    levels = timeline.levels(*asked)
    busiest = _busiest(levels, begin_at)
    return Timeline(begin_at, at, end_at, lanes, _together(levels), total, busiest)


def _lane(record: Record, ran: Sequence[Ran], at: datetime, end_at: datetime) -> Lane:
    coming = _coming(record, at, end_at)
    dense = len(coming) >= MOST_COMING
    return Lane(record, phase(record.watch, at), ran, () if dense else coming, dense)


def _coming(record: Record, at: datetime, end_at: datetime) -> list[datetime]:
    """Return when an item is due until `end_at`; of an interval, counted from what is owed."""
    watch, schedule = record.watch, record.watch.plan.schedule
    if schedule is None or watch.status is Status.PAUSED:
        return []
    first = watch.slot_at if watch.slot_at and watch.slot_at > at else schedule.after(at)
    coming: list[datetime] = []
    while first and first < end_at and len(coming) < MOST_COMING:
        coming.append(first)
        first = schedule.after(first)
    return coming


def _together(found: Sequence[Level]) -> list[int]:
    """Return the most items that ran at once in each cell; what goes on is carried over."""
    counts, going = [0] * CELLS, 0
    changed = {one.cell: one for one in found}
    for place in range(CELLS):
        one = changed.get(place)
        counts[place] = max(going, one.most if one else 0)
        going += one.change if one else 0
    return counts


def _busiest(found: Sequence[Level], begin_at: datetime) -> tuple[int, datetime]:
    best = max(found, key=lambda one: one.most, default=None)
    return (best.most, best.at) if best else (0, begin_at)
