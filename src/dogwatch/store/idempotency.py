"""Answers kept for idempotency keys."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update

from dogwatch.store.tables import idempotency
from dogwatch.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Kept:
    """The answer that a POST with an idempotency key was given."""

    fingerprint: str
    status: int
    body: bytes


def kept(tx: Tx, workspace_id: int, key: str) -> Kept | None:
    """Return the answer kept for an idempotency key."""
    found = select(idempotency.c.fingerprint, idempotency.c.status, idempotency.c.body).where(
        idempotency.c.workspace_id == workspace_id, idempotency.c.key == key
    )
    row = tx.conn.execute(found).first()
    return Kept(**row._mapping) if row else None


def keep(tx: Tx, workspace_id: int, key: str, answer: Kept, at: datetime) -> None:
    """Keep an answer; IntegrityError if one is kept already."""
    values = {name: getattr(answer, name) for name in Kept.__slots__}
    tx.conn.execute(
        insert(idempotency).values(workspace_id=workspace_id, key=key, created_at=at, **values)
    )


def answer(tx: Tx, workspace_id: int, key: str, answer: Kept) -> None:
    """Replace the answer kept for an idempotency key that was taken before its work was done."""
    tx.conn.execute(
        update(idempotency)
        .where(idempotency.c.workspace_id == workspace_id, idempotency.c.key == key)
        .values(status=answer.status, body=answer.body)
    )
