"""The page of all watches: how many are how, and which to look at first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dogwatch.core.plain import one_line
from dogwatch.core.strip import Turn, strip
from dogwatch.core.watch import Status, phase
from dogwatch.store import flips, incidents, overview, pauses, schedule_edits
from dogwatch.store.schedule_edits import ScheduleEdit
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases import maintenance
from dogwatch.usecases.lists import next_due_at

CELL = timedelta(minutes=30)
CELLS = 48
# Soon is within so many cells.
AHEAD = 2
PAGE = 100
REASON = 120
STATES = overview.STATES


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which watches to show; empty is all of them."""

    state: str = ""
    tag: str = ""
    words: str = ""
    page: int = 1


@dataclass(frozen=True, slots=True)
class Strip:
    """What a watch was in cells of equal length from `begin_at` on, the last being the present.

    `soon`: something is due within the next two, `paused`: nothing is as long as it is paused.
    `edits` are those of its schedule.
    """

    begin_at: datetime
    cell: timedelta
    cells: Sequence[Status]
    soon: bool = False
    edits: Sequence[ScheduleEdit] = ()
    paused: bool = False

    @property
    def places(self) -> Sequence[float]:
        """Where the edits lie, in cells from the beginning."""
        return [(one.at - self.begin_at) / self.cell for one in self.edits]


@dataclass(frozen=True, slots=True)
class Item:
    """One watch: `phase` as people see it, its strip, when it is due, until when it rests, and why
    it is down."""

    record: Record
    phase: str
    strip: Strip
    next_at: datetime | None
    resumes_at: datetime | None = None
    silenced_until: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Overview:
    """How many are in each state, and a page of the items; `total` of those that are chosen."""

    counts: Mapping[str, int]
    items: Sequence[Item]
    total: int


def now(tx: Tx, workspace_id: int, chosen: Chosen, at: datetime) -> Overview:
    """Return a page of the watches, the worst first."""
    counts, records, total = page_of(tx, workspace_id, chosen, PAGE, at)
    strips = strips_of(tx, workspace_id, records, at, CELL, CELLS)
    resumes = pauses.of(tx, workspace_id, [one.id for one in records])
    silenced = maintenance.silenced(tx, workspace_id, records, at)
    reasons = _reasons(tx, workspace_id, records)
    items = [
        Item(
            one, phase(one.watch, at), strips[one.id], next_due_at(one, at), resumes.get(one.id),
            silenced.get(one.id), reasons.get(one.id, ""),
        )
        for one in records
    ]  # fmt: skip
    return Overview(counts, items, total)


def page_of(
    tx: Tx, workspace_id: int, chosen: Chosen, size: int, at: datetime
) -> tuple[Mapping[str, int], Sequence[Record], int]:
    """Return how many are in each state, a page of what is chosen, and how many that is in all."""
    named = chosen.tag, chosen.words
    counts = overview.counts(tx, workspace_id, at, *named)
    offset = (chosen.page - 1) * size
    records = overview.page(tx, workspace_id, at, chosen.state, *named, offset, size)
    total = counts.get(chosen.state, 0) if chosen.state else sum(counts.values())
    return counts, records, total


def _reasons(tx: Tx, workspace_id: int, records: Sequence[Record]) -> dict[str, str]:
    """Return why those are down that are, by id, as far as an incident of theirs is open."""
    down = [one.id for one in records if one.watch.status is Status.DOWN]
    parts = incidents.going_on(tx, workspace_id, down) if down else {}
    told = flips.reasons(tx, workspace_id, [one.flip_id for one in parts.values()])
    return {key: one_line(told.get(one.flip_id, ""), REASON) for key, one in parts.items()}


def strips_of(
    tx: Tx,
    workspace_id: int,
    records: Sequence[Record],
    at: datetime,
    cell: timedelta,
    count: int,
) -> dict[str, Strip]:
    """Return the strips of watches by id."""
    begin_at = begin_of(at, cell, count)
    ids = [record.id for record in records]
    flips = overview.turns(tx, workspace_id, ids, begin_at)
    edits: dict[str, list[ScheduleEdit]] = {}
    for edit in schedule_edits.since(tx, workspace_id, ids, begin_at):
        edits.setdefault(edit.watch_id, []).append(edit)
    strips: dict[str, Strip] = {}
    for record in records:
        mine = flips.get(record.id, [])
        first = Status(mine[0][1]) if mine else record.watch.status
        turns = [Turn(turned_at, Status(after)) for turned_at, _, after in mine]
        cells = strip(first, turns, begin_at, cell, count)
        unborn = max(0, (record.created_at - begin_at) // cell)
        cells = [Status.NEW] * min(unborn, count) + cells[unborn:]
        soon = _due_by(record, at, at + cell * AHEAD)
        rests = record.watch.status is Status.PAUSED
        own_edits = edits.get(record.id, ())
        strips[record.id] = Strip(begin_at, cell, cells, soon, own_edits, rests)
    return strips


def strip_of(tx: Tx, record: Record, at: datetime, cell: timedelta, count: int) -> Strip:
    """Return the strip of one watch."""
    return strips_of(tx, record.workspace_id, [record], at, cell, count)[record.id]


def _due_by(record: Record, at: datetime, end_at: datetime) -> bool:
    due_at = next_due_at(record, at)
    return record.watch.status is not Status.PAUSED and due_at is not None and due_at < end_at


def begin_of(at: datetime, cell: timedelta, count: int) -> datetime:
    """Return the time at which a strip begins."""
    return _floor(at, cell) - cell * (count - 1)


def _floor(at: datetime, cell: timedelta) -> datetime:
    """Return the beginning of the cell that holds a time."""
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (at - midnight) // cell * cell
