"""Pruning: old pings, runs, flips and deliveries go, by age and by count per workspace."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    true,
    tuple_,
)

from dogwatch.ids import first_of
from dogwatch.store.jobs import is_monitor
from dogwatch.store.tables import (
    deliveries,
    flips,
    idempotency,
    incidents,
    jobs,
    nodes,
    outputs,
    pings,
    runs,
    workspaces,
)
from dogwatch.store.tx import Tx

IDEMPOTENCY_AGE = timedelta(hours=24)
NODE_AGE = timedelta(days=1)

Id = int | str


@dataclass(frozen=True, slots=True)
class Keep:
    """How much of a table is kept per workspace."""

    days: int
    count: int


@dataclass(frozen=True, slots=True)
class Prunable:
    """A table that is pruned, oldest rows first, among those that have ended."""

    table: Table
    ended: ColumnElement[bool]

    @property
    def timed(self) -> bool:
        """Whether the time of a row is in a column; else its id begins with it."""
        return "at" in self.table.c

    def older(self, at: datetime) -> ColumnElement[bool]:
        """Return the condition that a row is older than `at`."""
        if self.timed:
            return self.table.c["at"] < at
        return self.table.c.id < first_of(at)


# A delivery is kept as long as its flip, or while its incident is open: it proves that somebody
# was told, and awaits the end.
_needed_no_more = and_(
    ~exists().where(
        flips.c.workspace_id == deliveries.c.workspace_id, flips.c.id == deliveries.c.flip_id
    ),
    ~exists().where(
        incidents.c.workspace_id == deliveries.c.workspace_id,
        incidents.c.id == deliveries.c.incident_id,
        incidents.c.closed_at.is_(None),
    ),
)
# Newer rows have greater ids in each of these.
PRUNABLE = {
    "pings": Prunable(pings, true()),
    "runs": Prunable(runs, runs.c.state == "done"),
    "flips": Prunable(flips, true()),
    "incidents": Prunable(incidents, incidents.c.closed_at.is_not(None)),
    "deliveries": Prunable(
        deliveries, and_(deliveries.c.state.not_in(("pending", "held")), _needed_no_more)
    ),
}


def workspace_ids(tx: Tx) -> Sequence[int]:
    """Return all workspaces."""
    return list(tx.conn.scalars(select(workspaces.c.id)))


@dataclass(frozen=True, slots=True)
class Tally:
    """What is known of how many rows a workspace has, so that nobody counts them each time.

    Rows up to `surplus_id` are too many. After the row `newest_id`, `room` more may come before
    it is worth while to count anew.
    """

    newest_id: Id
    room: int
    surplus_id: Id | None = None


def counted(tx: Tx, name: str, workspace_id: int, count: int, known: Tally | None = None) -> Tally:
    """Return which rows are more than `count`, looking at what came after `known` alone.

    Where rows are too many already, another hundredth may come before they are counted again.
    """
    mine = _Rows(PRUNABLE[name].table, workspace_id)
    grown = mine.grown(tx, known) if known else None
    return grown if grown and grown.room >= 0 else mine.counted(tx, count)


@dataclass(frozen=True, slots=True)
class _Rows:
    table: Table
    workspace_id: int

    def grown(self, tx: Tx, known: Tally) -> Tally:
        newer = self._ids().where(self.table.c.id > known.newest_id).order_by(self.table.c.id)
        came, newest_id = self._size(tx, newer.limit(known.room + 1))
        return replace(known, newest_id=newest_id or known.newest_id, room=known.room - came)

    def counted(self, tx: Tx, count: int) -> Tally:
        there, newest_id = self._size(tx, self._ids())
        newest_id = newest_id or self.table.c.id.type.python_type()
        if there <= count:
            return Tally(newest_id, count - there)
        oldest = self._ids().order_by(self.table.c.id).offset(there - count - 1).limit(1)
        return Tally(newest_id, count // 100, tx.conn.scalar(oldest))

    def _ids(self) -> Select[Any]:
        return select(self.table.c.id).where(self.table.c.workspace_id == self.workspace_id)

    def _size(self, tx: Tx, found: Select[Any]) -> tuple[int, Id | None]:
        ids = found.subquery()
        row = tx.conn.execute(select(func.count(), func.max(ids.c.id)).select_from(ids)).one()
        return row[0], row[1]


def prune(
    tx: Tx, name: str, workspace_id: int, days: int, tally: Tally, at: datetime, limit: int
) -> int:
    """Delete those of the `limit` oldest rows that are too old or too many; return how many."""
    prunable = PRUNABLE[name]
    table = prunable.table
    surplus = prunable.older(at - timedelta(days=days))
    if tally.surplus_id is not None:
        surplus = or_(surplus, table.c.id <= tally.surplus_id)
    oldest = (
        select(table.c.id, surplus.label("surplus"))
        .where(table.c.workspace_id == workspace_id, prunable.ended)
        .order_by(table.c.id)
        .limit(limit)
    )
    if not prunable.timed:
        oldest = oldest.where(surplus)  # a range of ids, beyond which nothing is looked at
    found = oldest.subquery()
    gone = delete(table).where(
        table.c.workspace_id == workspace_id,
        table.c.id.in_(select(found.c.id).where(found.c.surplus)),
    )
    return tx.conn.execute(gone).rowcount


def prune_probes(tx: Tx, workspace_id: int, days: int, at: datetime, limit: int) -> int:
    """Delete up to `limit` ended runs of HTTP monitors that are too old; return how many."""
    probed = select(jobs.c.watch_id).where(jobs.c.workspace_id == workspace_id, is_monitor())
    runs_of = PRUNABLE["runs"]
    oldest = (
        select(runs.c.id)
        .where(
            runs.c.workspace_id == workspace_id,
            runs_of.older(at - timedelta(days=days)),
            runs_of.ended,
            runs.c.watch_id.in_(probed),
        )
        .order_by(runs.c.id)
        .limit(limit)
    )
    gone = delete(runs).where(runs.c.workspace_id == workspace_id, runs.c.id.in_(oldest))
    return tx.conn.execute(gone).rowcount


def prune_outputs(tx: Tx, days: int, at: datetime, limit: int) -> int:
    """Delete the output of up to `limit` runs that were made too long ago; return how many rows."""
    made_before = first_of(at - timedelta(days=days))
    old = (
        select(outputs.c.workspace_id, outputs.c.run_id)
        .where(outputs.c.run_id < made_before)
        .distinct()
        .limit(limit)
    )
    gone = delete(outputs).where(tuple_(outputs.c.workspace_id, outputs.c.run_id).in_(old))
    return tx.conn.execute(gone).rowcount


def forget_answer(tx: Tx, workspace_id: int, key: str, at: datetime) -> None:
    """Delete the answer kept for an idempotency key if it is past its day."""
    old = idempotency.c.created_at < at - IDEMPOTENCY_AGE
    mine = and_(idempotency.c.workspace_id == workspace_id, idempotency.c.key == key)
    tx.conn.execute(delete(idempotency).where(mine, old))


def forget(tx: Tx, at: datetime) -> None:
    """Delete answers kept for idempotency keys, and nodes, that are past their day."""
    tx.conn.execute(delete(idempotency).where(idempotency.c.created_at < at - IDEMPOTENCY_AGE))
    newest = select(nodes.c.id).order_by(nodes.c.beat_at.desc()).limit(1)
    tx.conn.execute(delete(nodes).where(nodes.c.beat_at < at - NODE_AGE, nodes.c.id.not_in(newest)))
