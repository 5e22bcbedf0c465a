"""Deliveries: one flip to be told to one channel, with a receipt per attempt."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, tuple_, update

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
    if new:
        tx.conn.execute(insert(deliveries), [_values(one) for one in new])


def _values(one: Delivery | Receipt) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__slots__}


def by_id(tx: Tx, workspace_id: int, delivery_id: str) -> Delivery | None:
    """Return one delivery."""
    found = select(deliveries).where(
        deliveries.c.workspace_id == workspace_id, deliveries.c.id == delivery_id
    )
    row = tx.conn.execute(found).first()
    return Delivery(**row._mapping) if row else None


def by_ids(tx: Tx, keys: Collection[tuple[int, str]]) -> dict[tuple[int, str], Delivery]:
    """Return the deliveries with these (workspace id, id)."""
    if not keys:
        return {}
    found = [Delivery(**row._mapping) for row in tx.conn.execute(_BY_IDS, {"keys": list(keys)})]
    return {(delivery.workspace_id, delivery.id): delivery for delivery in found}


_BY_IDS = select(deliveries).where(
    tuple_(deliveries.c.workspace_id, deliveries.c.id).in_(bindparam("keys", expanding=True))
)


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


_SAVE = (
    update(deliveries)
    .where(
        deliveries.c.workspace_id == bindparam("at_workspace"),
        deliveries.c.id == bindparam("at_id"),
    )
    .values({name: bindparam(name) for name in ("state", "reason", "attempts", "settled_at")})
)


def save_many(tx: Tx, changed: Sequence[Delivery]) -> None:
    """Write back what became of deliveries."""
    rows = [
        {
            **{name: getattr(one, name) for name in ("state", "reason", "attempts", "settled_at")},
            "at_workspace": one.workspace_id,
            "at_id": one.id,
        }
        for one in changed
    ]
    if rows:
        tx.conn.execute(_SAVE, rows)


def add_receipts(tx: Tx, new: Sequence[tuple[Delivery, Receipt]]) -> None:
    """Append the receipts of one attempt each."""
    rows = [
        {**_values(receipt), "workspace_id": delivery.workspace_id, "delivery_id": delivery.id}
        for delivery, receipt in new
    ]
    if rows:
        tx.conn.execute(insert(receipts), rows)


def receipts_of(tx: Tx, workspace_id: int, delivery_id: str) -> Sequence[Receipt]:
    """Return the receipts of a delivery, first attempt first."""
    found = (
        select(*(receipts.c[name] for name in Receipt.__slots__))
        .where(receipts.c.workspace_id == workspace_id, receipts.c.delivery_id == delivery_id)
        .order_by(receipts.c.id)
    )
    return [Receipt(**row._mapping) for row in tx.conn.execute(found)]
