"""What the timeline asks: the runs of many watches in a stretch of time, a few rows for each."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Integer,
    Subquery,
    case,
    exists,
    func,
    literal,
    select,
    type_coerce,
    union_all,
)

from dogwatch.ids import first_of
from dogwatch.store.runs import CHILD
from dogwatch.store.tables import runs
from dogwatch.store.tx import Tx
from dogwatch.store.types import from_microseconds, to_microseconds

# Runs that began longer ago than this before the stretch are not looked for in it.
LONGEST = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Ran:
    """Runs of one watch that ended alike within one cell: from the first start to the last end."""

    watch_id: str
    outcome: str
    count: int
    began_at: datetime
    ended_at: datetime
    run_id: str


def ran(
    tx: Tx, workspace_id: int, watch_ids: Collection[str], begin_at: datetime, at: datetime,
    cell: timedelta,
) -> list[Ran]:  # fmt: skip
    """Return what ran from `begin_at` to `at`, in cells of the time in which it began."""
    first_id = first_of(begin_at - LONGEST)
    began = _plain(func.coalesce(runs.c.started_at, runs.c.finished_at, runs.c.slot_at))
    ended = _plain(func.coalesce(runs.c.finished_at, _at(at)))
    outcome = func.coalesce(runs.c.outcome, runs.c.state)
    place = (began - to_microseconds(begin_at)) // int(cell / timedelta(microseconds=1))
    found = (
        select(
            runs.c.watch_id, outcome, func.count(), func.min(began), func.max(ended),
            func.max(runs.c.id),
        )
        .where(
            runs.c.workspace_id == workspace_id,
            runs.c.watch_id.in_(watch_ids),
            runs.c.id >= first_id,
            ended >= to_microseconds(begin_at),
            began <= to_microseconds(at),
            runs.c.state != "queued",
        )
        .group_by(runs.c.watch_id, outcome, place)
        .order_by(runs.c.watch_id, func.min(began))
    )  # fmt: skip
    return [
        Ran(row[0], row[1], row[2], from_microseconds(row[3]), from_microseconds(row[4]), row[5])
        for row in tx.conn.execute(found)
    ]


@dataclass(frozen=True, slots=True)
class Level:
    """In one cell: the most watches that ran at once after a change, first when; the changes."""

    cell: int
    most: int
    at: datetime
    change: int


def levels(
    tx: Tx, workspace_id: int, watch_ids: Collection[str], begin_at: datetime, at: datetime,
    cell: timedelta,
) -> list[Level]:  # fmt: skip
    """Count exactly how many watches ran at once, by cells in which that changed.

    Runs that only touch do not overlap. Of a workflow its nodes count, where they are asked for.
    """
    begin, width = to_microseconds(begin_at), int(cell / timedelta(microseconds=1))
    longest = to_microseconds(at) - begin + 2
    steps = _steps(_turns(workspace_id, watch_ids, begin_at, at))
    level = func.sum(steps.c.step).over(order_by=(steps.c.at, steps.c.step), rows=(None, 0))
    # The greatest level and its first time in one number: the earlier, the greater.
    rank = type_coerce(level, BigInteger()) * longest - (steps.c.at - begin)
    ranked = select(
        ((steps.c.at - begin) // width).label("cell"), rank.label("rank"), steps.c.step
    ).subquery()
    found = select(ranked.c.cell, func.max(ranked.c.rank), func.sum(ranked.c.step))
    told = []
    for place, best, change in tx.conn.execute(
        found.group_by(ranked.c.cell).order_by(ranked.c.cell)
    ):
        most = -(-int(best) // longest)
        first = from_microseconds(begin + most * longest - int(best))
        told.append(Level(int(place), most, first, int(change)))
    return told


def _turns(
    workspace_id: int, watch_ids: Collection[str], begin_at: datetime, at: datetime
) -> Subquery:
    """Return when runs began (1) and ended (-1)."""
    child = runs.alias()
    nodes = exists().where(
        child.c.workspace_id == workspace_id, child.c.parent_id == runs.c.id,
        child.c.trigger == CHILD, child.c.watch_id.in_(watch_ids),
    )  # fmt: skip
    begin = to_microseconds(begin_at)
    began, ended = _plain(runs.c.started_at), _plain(func.coalesce(runs.c.finished_at, _at(at)))
    from_ = _plain(case((began < begin, begin), else_=began))
    until = _plain(case((ended <= from_, from_ + 1), else_=ended))
    mine = (
        runs.c.workspace_id == workspace_id, runs.c.watch_id.in_(watch_ids),
        runs.c.id >= first_of(begin_at - LONGEST), runs.c.started_at.is_not(None),
        ended >= begin, began <= to_microseconds(at), ~nodes,
    )  # fmt: skip
    starts = select(runs.c.watch_id, from_.label("at"), literal(1, Integer()).label("turn"))
    ends = select(runs.c.watch_id, until.label("at"), literal(-1, Integer()).label("turn"))
    return union_all(starts.where(*mine), ends.where(*mine)).subquery()


def _steps(turns: Subquery) -> Subquery:
    """Return when watches began and ended to run: runs of one that overlap are one."""
    own = func.sum(turns.c.turn).over(
        partition_by=turns.c.watch_id, order_by=(turns.c.at, turns.c.turn), rows=(None, 0)
    )
    each = select(turns.c.at, turns.c.turn, own.label("own")).subquery()
    first = (each.c.turn == 1) & (each.c.own == 1)
    last = (each.c.turn == -1) & (each.c.own == 0)
    return select(each.c.at, each.c.turn.label("step")).where(first | last).subquery()


def _plain(value: Any) -> Any:
    return type_coerce(value, BigInteger())


def _at(at: datetime) -> Any:
    return literal(to_microseconds(at), BigInteger())
