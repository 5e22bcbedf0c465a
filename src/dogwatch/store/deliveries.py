"""Deliveries: one flip to be told to one channel, with a receipt per attempt."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update

from dogwatch.store.tables import deliveries, receipts
from dogwatch.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Delivery:
    """`state`: pending, sent or failed; `message`: the facts as they were at the flip."""

    workspace_id: int
    id: str
    flip_id: str | None
    watch_id: str | None
    channel_id: str
    event: str
    state: str
    reason: str
    message: dict[str, Any]
    attempts: int
    created_at: datetime
    settled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one attempt got for an answer."""

    attempt: int
    at: datetime
    verdict: str
    status_code: int | None
    detail: str
    duration_ms: int


def add_many(tx: Tx, new: Sequence[Delivery]) -> None:
    """Insert deliveries; IntegrityError if a flip is told to a channel already."""
    rows = [{name: getattr(delivery, name) for name in Delivery.__slots__} for delivery in new]
    if rows:
        tx.conn.execute(insert(deliveries), rows)


def by_id(tx: Tx, workspace_id: int, delivery_id: str) -> Delivery | None:
    """Return one delivery."""
    found = select(deliveries).where(
        deliveries.c.workspace_id == workspace_id, deliveries.c.id == delivery_id
    )
    row = tx.conn.execute(found).first()
    return Delivery(**row._mapping) if row else None


def listed(
    tx: Tx, workspace_id: int, limit: int, before: str = "", **filters: Any
) -> Sequence[Delivery]:
    """Return deliveries newest first, older than id `before`; filters by column."""
    found = select(deliveries).where(deliveries.c.workspace_id == workspace_id)
    if before:
        found = found.where(deliveries.c.id < before)
    for column, value in filters.items():
        found = found.where(deliveries.c[column] == value)
    rows = tx.conn.execute(found.order_by(deliveries.c.id.desc()).limit(limit))
    return [Delivery(**row._mapping) for row in rows]


def pending(tx: Tx) -> Sequence[Delivery]:
    """Return every delivery that is neither sent nor failed, over all workspaces."""
    rows = tx.conn.execute(select(deliveries).where(deliveries.c.state == "pending"))
    return [Delivery(**row._mapping) for row in rows]


def remove_of_watch(tx: Tx, workspace_id: int, watch_id: str) -> None:
    """Delete what was told and is to be told of a watch."""
    tx.conn.execute(
        delete(deliveries).where(
            deliveries.c.workspace_id == workspace_id, deliveries.c.watch_id == watch_id
        )
    )


def change(tx: Tx, workspace_id: int, delivery_id: str, **changes: Any) -> None:
    """Change columns of a delivery."""
    tx.conn.execute(
        update(deliveries)
        .where(deliveries.c.workspace_id == workspace_id, deliveries.c.id == delivery_id)
        .values(**changes)
    )


def add_receipt(tx: Tx, workspace_id: int, delivery_id: str, receipt: Receipt) -> None:
    """Append the receipt of one attempt."""
    values = {name: getattr(receipt, name) for name in Receipt.__slots__}
    tx.conn.execute(
        insert(receipts).values(workspace_id=workspace_id, delivery_id=delivery_id, **values)
    )


def receipts_of(tx: Tx, workspace_id: int, delivery_id: str) -> Sequence[Receipt]:
    """Return the receipts of a delivery, first attempt first."""
    found = (
        select(*(receipts.c[name] for name in Receipt.__slots__))
        .where(receipts.c.workspace_id == workspace_id, receipts.c.delivery_id == delivery_id)
        .order_by(receipts.c.id)
    )
    return [Receipt(**row._mapping) for row in tx.conn.execute(found)]
