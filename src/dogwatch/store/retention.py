"""Pruning: old pings, runs, flips and deliveries go, by age and by count per workspace."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Table, and_, delete, exists, or_, select, true, tuple_

from dogwatch.ids import new_id
from dogwatch.store.tables import (
    deliveries,
    flips,
    idempotency,
    nodes,
    outputs,
    pings,
    runs,
    workspaces,
)
from dogwatch.store.tx import Tx

IDEMPOTENCY_AGE = timedelta(hours=24)
NODE_AGE = timedelta(days=1)
# Ids begin with ten characters of their time; this much alone sorts before all ids of it.
TIME_LENGTH = 10


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

    def older(self, at: datetime) -> ColumnElement[bool]:
        """Return the condition that a row is older than `at`: the ids of most begin with it."""
        if "at" in self.table.c:
            return self.table.c["at"] < at
        return self.table.c.id < new_id(at)[:TIME_LENGTH]


# A delivery is kept as long as its flip: it proves that somebody was told.
_told_of_no_flip = ~exists().where(
    flips.c.workspace_id == deliveries.c.workspace_id, flips.c.id == deliveries.c.flip_id
)
# Newer rows have greater ids in each of these.
PRUNABLE = {
    "pings": Prunable(pings, true()),
    "runs": Prunable(runs, runs.c.state == "done"),
    "flips": Prunable(flips, true()),
    "deliveries": Prunable(deliveries, and_(deliveries.c.state != "pending", _told_of_no_flip)),
}


def workspace_ids(tx: Tx) -> Sequence[int]:
    """Return all workspaces."""
    return list(tx.conn.scalars(select(workspaces.c.id)))


def prune(tx: Tx, name: str, workspace_id: int, keep: Keep, at: datetime, limit: int) -> int:
    """Delete those of the `limit` oldest rows that are too old or too many; return how many."""
    prunable = PRUNABLE[name]
    table, old = prunable.table, prunable.older(at - timedelta(days=keep.days))
    boundary = tx.conn.scalar(
        select(table.c.id)
        .where(table.c.workspace_id == workspace_id)
        .order_by(table.c.id.desc())
        .offset(keep.count)
        .limit(1)
    )
    surplus = or_(old, table.c.id <= boundary) if boundary is not None else old
    oldest = (
        select(table.c.id, surplus.label("surplus"))
        .where(table.c.workspace_id == workspace_id, prunable.ended)
        .order_by(table.c.id)
        .limit(limit)
        .subquery()
    )
    gone = delete(table).where(
        table.c.workspace_id == workspace_id,
        table.c.id.in_(select(oldest.c.id).where(oldest.c.surplus)),
    )
    return tx.conn.execute(gone).rowcount


def prune_outputs(tx: Tx, days: int, at: datetime, limit: int) -> int:
    """Delete the output of up to `limit` runs that were made too long ago; return how many rows."""
    made_before = new_id(at - timedelta(days=days))[:TIME_LENGTH]
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
