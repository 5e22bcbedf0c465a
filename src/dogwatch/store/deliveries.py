"""Deliveries: one flip to be told to one channel, with a receipt per attempt."""

from collections.abc import Collection, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, insert, select, update
from sqlalchemy.sql.expression import ClauseElement

from dogwatch.core.data import data
from dogwatch.store.bulk import Bulk, New, Values
from dogwatch.store.tables import deliveries, receipts
from dogwatch.store.tx import Tx
from dogwatch.store.types import (
    decode,
    encode,
    from_microseconds,
    instant,
    microseconds,
    to_microseconds,
)
from dogwatch.store.wakes import page_of


@data()
class Delivery:
    """`state`: held, pending, sent, failed or suppressed; `message`: the facts at the flip.

    While it is held, `hold` tells what for and `due_at` until when; then `due_at` is the time it
    was let go. A delivery with a `bundle_id` is told by the one message of that delivery, and
    shares its end.
    """

    workspace_id: int
    id: str
    flip_id: str | None
    watch_id: str | None
    channel_id: str
    event: str
    message: dict[str, Any]
    created_at: datetime
    state: str = "pending"
    reason: str = ""
    attempts: int = 0
    settled_at: datetime | None = None
    hold: str | None = None
    due_at: datetime | None = None
    rule_id: str | None = None
    incident_id: str | None = None
    bundle_id: str | None = None


@data()
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
    _ADD.run(tx, [_values(one) for one in new])


_ADD = Bulk(
    list(deliveries.c),
    lambda new: insert(deliveries).from_select(list(new), select(*new.values())),
)


def _values(one: Delivery) -> Values:
    """Return the values in the order of the table's columns."""
    return (
        one.workspace_id,
        one.id,
        one.flip_id,
        one.watch_id,
        one.channel_id,
        one.event,
        one.state,
        one.reason,
        encode(one.message),
        one.attempts,
        to_microseconds(one.created_at),
        microseconds(one.settled_at),
        one.hold,
        microseconds(one.due_at),
        one.rule_id,
        one.incident_id,
        one.bundle_id,
    )


def by_id(tx: Tx, workspace_id: int, delivery_id: str) -> Delivery | None:
    """Return one delivery."""
    found = select(deliveries).where(
        deliveries.c.workspace_id == workspace_id, deliveries.c.id == delivery_id
    )
    row = tx.conn.execute(found).first()
    return Delivery(**row._mapping) if row else None


def by_ids(tx: Tx, keys: Collection[tuple[int, str]]) -> dict[tuple[int, str], Delivery]:
    """Return the deliveries with these (workspace id, id)."""
    found = map(_read, _BY_IDS.select(tx, list(keys)))
    return {(delivery.workspace_id, delivery.id): delivery for delivery in found}


_KEY = (deliveries.c.workspace_id, deliveries.c.id)
_BY_IDS = Bulk(
    _KEY,
    lambda new: select(*deliveries.c).where(*(column == new[column.name] for column in _KEY)),
)


def _read(values: Sequence[Any]) -> Delivery:
    """Read what `_values` writes."""
    (
        workspace_id, own_id, flip_id, watch_id, channel_id, event, state, reason, message,
        attempts, created_at, settled_at, hold, due_at, *to,
    ) = values  # fmt: skip
    return Delivery(
        workspace_id, own_id, flip_id, watch_id, channel_id, event, decode(message),
        from_microseconds(created_at), state, reason, attempts, instant(settled_at), hold,
        instant(due_at), *to,
    )  # fmt: skip


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


def unsettled(tx: Tx) -> Sequence[Delivery]:
    """Return every delivery that is to be sent or held, over all workspaces."""
    open_ = deliveries.c.state.in_(("pending", "held"))
    rows = tx.conn.execute(select(deliveries).where(open_))
    return [Delivery(**row._mapping) for row in rows]


def remove_of_watch(tx: Tx, workspace_id: int, watch_id: str) -> None:
    """Delete what was told and is to be told of a watch."""
    tx.conn.execute(
        delete(deliveries).where(
            deliveries.c.workspace_id == workspace_id, deliveries.c.watch_id == watch_id
        )
    )


_FATE = (
    deliveries.c.state, deliveries.c.reason, deliveries.c.attempts, deliveries.c.settled_at,
    deliveries.c.hold, deliveries.c.due_at, deliveries.c.rule_id, deliveries.c.bundle_id,
)  # fmt: skip


def _saving(new: New) -> ClauseElement:
    mine = and_(*(column == new[column.name] for column in _KEY))
    return update(deliveries).where(mine).values({one.name: new[one.name] for one in _FATE})


_SAVE = Bulk((*_KEY, *_FATE), _saving)


def save_many(tx: Tx, changed: Sequence[Delivery]) -> None:
    """Write back what became of deliveries, none of them twice."""
    rows = [
        (
            one.workspace_id, one.id, one.state, one.reason, one.attempts,
            microseconds(one.settled_at), one.hold, microseconds(one.due_at), one.rule_id,
            one.bundle_id,
        )
        for one in changed
    ]  # fmt: skip
    _SAVE.run(tx, rows)


def add_receipts(tx: Tx, new: Sequence[tuple[Delivery, Receipt]]) -> None:
    """Append the receipts of one attempt each."""
    rows = [
        (
            delivery.workspace_id, delivery.id, receipt.attempt, to_microseconds(receipt.at),
            receipt.verdict, receipt.status_code, receipt.detail, receipt.duration_ms,
        )
        for delivery, receipt in new
    ]  # fmt: skip
    _RECEIVE.run(tx, rows)
    for workspace_id in {delivery.workspace_id for delivery, _ in new}:
        tx.wake(page_of(workspace_id))


_RECEIVE = Bulk(
    [column for column in receipts.c if column.name != "id"],
    lambda new: insert(receipts).from_select(list(new), select(*new.values())),
)


def receipts_of(tx: Tx, workspace_id: int, delivery_id: str) -> Sequence[Receipt]:
    """Return the receipts of a delivery, first attempt first."""
    found = (
        select(*(receipts.c[field.name] for field in fields(Receipt)))
        .where(receipts.c.workspace_id == workspace_id, receipts.c.delivery_id == delivery_id)
        .order_by(receipts.c.id)
    )
    return [Receipt(**row._mapping) for row in tx.conn.execute(found)]


def last_receipts(tx: Tx, workspace_id: int, delivery_ids: Collection[str]) -> dict[str, Receipt]:
    """Return the receipt of the last attempt of each of these deliveries, by delivery id."""
    names = [receipts.c[field.name] for field in fields(Receipt)]
    found = (
        select(receipts.c.delivery_id, *names)
        .where(
            receipts.c.workspace_id == workspace_id,
            receipts.c.delivery_id.in_(delivery_ids),
        )
        .order_by(receipts.c.id)
    )
    return {row[0]: Receipt(*row[1:]) for row in tx.conn.execute(found)}
