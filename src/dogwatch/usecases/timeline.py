"""The timeline: what ran when, what overlapped, and what is to come, a lane for each item."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from dogwatch.core.schedule import Schedule
from dogwatch.core.watch import Status, phase
from dogwatch.store import timeline
from dogwatch.store.timeline import Level, Ran
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases.overview import Chosen, page_of

__all__ = ["Ran"]

LANES = 200
CELLS = 480
# So much of what is shown lies ahead.
AHEAD = 4
MOST_COMING = 120


@dataclass(frozen=True, slots=True)
class Lane:
    """One item: what it did, when it is due, and how long it usually takes.

    `dense`: it is due more often than can be drawn. `late_at`: when it was due and has not come.
    """

    record: Record
    phase: str
    ran: Sequence[Ran]
    coming: Sequence[datetime]
    dense: bool = False
    late_at: datetime | None = None

    @property
    def usual(self) -> timedelta:
        """How long the last good run took."""
        return timedelta(milliseconds=self.record.watch.duration_ms or 0)


@dataclass(frozen=True, slots=True)
class Timeline:
    """All lanes from `begin_at` to `end_at`; what lies after `at` is to come.

    `together` tells for each cell of the past in it how many items ran at once at most, `busiest`
    how many did in all of it, and when first. Its times are told by the clock of `zone`.
    """

    begin_at: datetime
    at: datetime
    end_at: datetime
    lanes: Sequence[Lane]
    together: Sequence[int]
    total: int
    busiest: tuple[int, datetime]
    zone: tzinfo = UTC

    @property
    def past_to(self) -> datetime:
        """Where the past ends in it."""
        return min(max(self.at, self.begin_at), self.end_at)


def around(at: datetime, past: timedelta) -> tuple[datetime, datetime]:
    """Return a stretch of some past, and of what lies ahead."""
    return at - past, at + past / AHEAD


def timeline_of(
    tx: Tx, workspace_id: int, chosen: Chosen, stretch: tuple[datetime, datetime], at: datetime
) -> Timeline:
    """Return the timeline of the items chosen, the worst first, as Now has them."""
    _, records, total = page_of(tx, workspace_id, chosen, LANES, at)
    begin_at, end_at = stretch
    found, levels = _past(tx, workspace_id, records, begin_at, min(at, end_at))
    lanes = [_lane(record, found.get(record.id, ()), begin_at, end_at, at) for record in records]
    busiest = _busiest(levels, begin_at)
    return Timeline(begin_at, at, end_at, lanes, _together(levels), total, busiest)


def _past(
    tx: Tx, workspace_id: int, records: Sequence[Record], begin_at: datetime, until_at: datetime
) -> tuple[dict[str, list[Ran]], Sequence[Level]]:
    """Return what ran, by watch, and how much of it together."""
    if until_at <= begin_at:
        return {}, ()
    ids = [record.id for record in records]
    asked = tx, workspace_id, ids, begin_at, until_at, (until_at - begin_at) / CELLS
    found: dict[str, list[Ran]] = {}
    for one in timeline.ran(*asked):
        found.setdefault(one.watch_id, []).append(one)
    return found, timeline.levels(*asked)


def _lane(
    record: Record, ran: Sequence[Ran], begin_at: datetime, end_at: datetime, at: datetime
) -> Lane:
    coming = _coming(record, max(at, begin_at), end_at)
    dense = len(coming) >= MOST_COMING
    now = phase(record.watch, at)
    owed_at = record.watch.slot_at if now == "late" else None
    late_at = owed_at if owed_at and begin_at <= owed_at < end_at else None
    return Lane(record, now, ran, () if dense else coming, dense, late_at)


def _coming(record: Record, from_at: datetime, end_at: datetime) -> list[datetime]:
    """Return when an item is due until `end_at`; of an interval, counted from what is owed."""
    schedule = record.watch.plan.schedule
    if schedule is None or record.watch.status is Status.PAUSED:
        return []
    first = _first(schedule, record.watch.slot_at, from_at)
    coming: list[datetime] = []
    while first and first < end_at and len(coming) < MOST_COMING:
        coming.append(first)
        first = schedule.after(first)
    return coming


def _first(schedule: Schedule, owed_at: datetime | None, from_at: datetime) -> datetime | None:
    """Return when something is due first after `from_at`."""
    if owed_at and owed_at > from_at:
        return owed_at
    if owed_at and schedule.relative and (second := schedule.after(owed_at)):
        step = second - owed_at
        return owed_at + ((from_at - owed_at) // step + 1) * step
    return schedule.after(from_at)


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
