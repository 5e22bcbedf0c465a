"""Pruning: old pings, runs, flips and deliveries go, by age and by count per workspace."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, and_, delete, exists, or_, select, tuple_

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


@dataclass(frozen=True, slots=True)
class Keep:
    """How much of a table is kept per workspace."""

    days: int
    count: int


@dataclass(frozen=True, slots=True)
class Prunable:
    """A table that is pruned: by its time column, among its rows that have ended."""

    table: Table
    time: Column[Any]
    ended: ColumnElement[bool] | None = None


# Newer rows have greater ids in each of these.
PRUNABLE = {
    "pings": Prunable(pings, pings.c.at),
    "runs": Prunable(runs, runs.c.finished_at, runs.c.state == "done"),
    "flips": Prunable(flips, flips.c.at),
    "deliveries": Prunable(deliveries, deliveries.c.settled_at, deliveries.c.state != "pending"),
}


def workspace_ids(tx: Tx) -> Sequence[int]:
    """Return all workspaces."""
    return list(tx.conn.scalars(select(workspaces.c.id)))


def prune(tx: Tx, name: str, workspace_id: int, keep: Keep, at: datetime, limit: int) -> int:
    """Delete up to `limit` rows of one table that are too old or too many; return how many."""
    prunable = PRUNABLE[name]
    table, old = prunable.table, prunable.time < at - timedelta(days=keep.days)
    boundary = tx.conn.scalar(
        select(table.c.id)
        .where(table.c.workspace_id == workspace_id)
        .order_by(table.c.id.desc())
        .offset(keep.count)
        .limit(1)
    )
    surplus = or_(old, table.c.id <= boundary) if boundary is not None else old
    wanted = and_(table.c.workspace_id == workspace_id, surplus)
    if prunable.ended is not None:
        wanted = and_(wanted, prunable.ended)
    chosen = select(table.c.workspace_id, table.c.id).where(wanted).limit(limit)
    gone = delete(table).where(tuple_(table.c.workspace_id, table.c.id).in_(chosen))
    return tx.conn.execute(gone).rowcount


def prune_outputs(tx: Tx, days: int, at: datetime, limit: int) -> int:
    """Delete the output of up to `limit` runs that ended too long ago; return how many rows."""
    old = (
        select(runs.c.workspace_id, runs.c.id)
        .where(runs.c.finished_at < at - timedelta(days=days))
        .where(
            exists().where(
                outputs.c.workspace_id == runs.c.workspace_id, outputs.c.run_id == runs.c.id
            )
        )
        .limit(limit)
    )
    gone = delete(outputs).where(tuple_(outputs.c.workspace_id, outputs.c.run_id).in_(old))
    return tx.conn.execute(gone).rowcount


def forget(tx: Tx, at: datetime) -> None:
    """Delete answers kept for idempotency keys, and nodes, that are past their day."""
    tx.conn.execute(delete(idempotency).where(idempotency.c.created_at < at - IDEMPOTENCY_AGE))
    newest = select(nodes.c.id).order_by(nodes.c.beat_at.desc()).limit(1)
    tx.conn.execute(delete(nodes).where(nodes.c.beat_at < at - NODE_AGE, nodes.c.id.not_in(newest)))
