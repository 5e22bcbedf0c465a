"""The timeline: what ran when, what overlapped, and what is to come, a lane for each item."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dogwatch.core.watch import Status, phase
from dogwatch.store import overview, timeline
from dogwatch.store.timeline import Ran
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

    `together` tells for each cell of the past how many items ran in it.
    """

    begin_at: datetime
    at: datetime
    end_at: datetime
    lanes: Sequence[Lane]
    together: Sequence[int]
    total: int

    @property
    def busiest(self) -> tuple[int, datetime]:
        """How many items ran together at most, and when that was."""
        most = max(self.together, default=0)
        cell = (self.at - self.begin_at) / max(len(self.together), 1)
        return most, self.begin_at + cell * (self.together.index(most) if most else 0)


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
    for one in timeline.ran(
        tx, workspace_id, [record.id for record in records], begin_at, at, past / CELLS
    ):
        found.setdefault(one.watch_id, []).append(one)
    lanes = [_lane(record, found.get(record.id, ()), at, end_at) for record in records]
    total = counts.get(chosen.state, 0) if chosen.state else sum(counts.values())
    return Timeline(begin_at, at, end_at, lanes, _together(found, begin_at, at), total)


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


def _together(found: Mapping[str, Sequence[Ran]], begin_at: datetime, at: datetime) -> list[int]:
    """Count the items that ran in each cell: of one that began and ended often, each time."""
    counts = [0] * CELLS
    cell = (at - begin_at) / CELLS
    for own in found.values():
        cells = {
            place
            for one in own
            for place in range(
                max(0, (one.began_at - begin_at) // cell),
                min(CELLS - 1, (one.ended_at - begin_at) // cell) + 1,
            )
        }
        for place in cells:
            counts[place] += 1
    return counts
