"""Flips: every change of a watch's status, the only cause of alerts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select

from dogwatch.core.data import data
from dogwatch.store.bulk import Bulk, Values
from dogwatch.store.tables import flips
from dogwatch.store.tx import Tx
from dogwatch.store.types import to_microseconds


@data()
class FlipRow:
    """One stored flip."""

    workspace_id: int
    id: str
    watch_id: str
    at: datetime
    from_status: str
    to_status: str
    reason: str


def add_many(tx: Tx, new: Sequence[FlipRow]) -> None:
    """Insert flips."""
    _ADD.run(tx, [_values(flip) for flip in new])


_ADD = Bulk(list(flips.c), lambda new: insert(flips).from_select(list(new), select(*new.values())))


def _values(flip: FlipRow) -> Values:
    return (
        flip.workspace_id, flip.id, flip.watch_id, to_microseconds(flip.at), flip.from_status,
        flip.to_status, flip.reason,
    )  # fmt: skip


def listed(
    tx: Tx, workspace_id: int, limit: int, before: str = "", **filters: Any
) -> Sequence[FlipRow]:
    """Return flips newest first, older than id `before`; filters by column."""
    found = select(flips).where(flips.c.workspace_id == workspace_id)
    if before:
        found = found.where(flips.c.id < before)
    for column, value in filters.items():
        found = found.where(flips.c[column] == value)
    rows = tx.conn.execute(found.order_by(flips.c.id.desc()).limit(limit))
    return [FlipRow(**row._mapping) for row in rows]


def count(tx: Tx, workspace_id: int, watch_id: str, to_status: str) -> int:
    """Return how often a watch became this, as far back as flips are kept."""
    mine = (flips.c.workspace_id == workspace_id, flips.c.watch_id == watch_id)
    found = select(func.count()).where(*mine, flips.c.to_status == to_status)
    return int(tx.conn.scalar(found) or 0)
