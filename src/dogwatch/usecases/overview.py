"""The page of all watches: how many are how, and which to look at first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dogwatch.core.strip import Turn, strip
from dogwatch.core.watch import Status, phase
from dogwatch.store import overview
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases.lists import next_due_at

CELL = timedelta(minutes=30)
CELLS = 48
PAGE = 100
STATES = ("down", "late", "degraded", "new", "up", "paused")


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which watches to show; empty is all of them."""

    state: str = ""
    tag: str = ""
    words: str = ""
    page: int = 1


@dataclass(frozen=True, slots=True)
class Item:
    """One watch: `phase` as people see it, its strip, and when it is due next."""

    record: Record
    phase: str
    cells: Sequence[Status]
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class Overview:
    """How many are in each state, and a page of the items; `total` of those that are chosen."""

    counts: Mapping[str, int]
    items: Sequence[Item]
    total: int


def now(tx: Tx, workspace_id: int, chosen: Chosen, at: datetime) -> Overview:
    """Return a page of the watches, the worst first."""
    counts = overview.counts(tx, workspace_id, at, chosen.tag, chosen.words)
    offset = (chosen.page - 1) * PAGE
    records = overview.page(
        tx, workspace_id, at, chosen.state, chosen.tag, chosen.words, offset, PAGE
    )
    strips = strips_of(tx, workspace_id, records, at, CELL, CELLS)
    items = [
        Item(one, phase(one.watch, at), strips[one.id], next_due_at(one, at)) for one in records
    ]
    total = counts.get(chosen.state, 0) if chosen.state else sum(counts.values())
    return Overview(counts, items, total)


def strips_of(
    tx: Tx,
    workspace_id: int,
    records: Sequence[Record],
    at: datetime,
    cell: timedelta,
    count: int,
) -> dict[str, list[Status]]:
    """Return the strips of watches by id; the last cell is the present one."""
    begin_at = begin_of(at, cell, count)
    flips = overview.turns(tx, workspace_id, [record.id for record in records], begin_at)
    strips: dict[str, list[Status]] = {}
    for record in records:
        mine = flips.get(record.id, [])
        first = Status(mine[0][1]) if mine else record.watch.status
        turns = [Turn(turned_at, Status(after)) for turned_at, _, after in mine]
        cells = strip(first, turns, begin_at, cell, count)
        unborn = max(0, (record.created_at - begin_at) // cell)
        strips[record.id] = [Status.NEW] * min(unborn, count) + cells[unborn:]
    return strips


def begin_of(at: datetime, cell: timedelta, count: int) -> datetime:
    """Return the time at which a strip begins."""
    return _floor(at, cell) - cell * (count - 1)


def _floor(at: datetime, cell: timedelta) -> datetime:
    """Return the beginning of the cell that holds a time."""
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (at - midnight) // cell * cell
