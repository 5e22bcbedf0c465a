"""Pauses that end by themselves."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, func, insert, select

from dogwatch.store.tables import pauses
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Key


def put(tx: Tx, key: Key, until_at: datetime) -> None:
    """Have the pause of a locked watch end at a time."""
    drop(tx, key)
    values = {"workspace_id": key[0], "watch_id": key[1], "until_at": until_at}
    tx.conn.execute(insert(pauses).values(**values))


def drop(tx: Tx, key: Key) -> None:
    """Have it end at no time."""
    mine = pauses.c.workspace_id == key[0], pauses.c.watch_id == key[1]
    tx.conn.execute(delete(pauses).where(*mine))


def of(tx: Tx, workspace_id: int, watch_ids: Collection[str]) -> Mapping[str, datetime]:
    """Return when the pauses of watches end, by id."""
    mine = pauses.c.workspace_id == workspace_id, pauses.c.watch_id.in_(list(watch_ids))
    found = tx.conn.execute(select(pauses.c.watch_id, pauses.c.until_at).where(*mine))
    return {row.watch_id: row.until_at for row in found}


def over(tx: Tx, at: datetime, limit: int) -> Sequence[Key]:
    """Return watches whose pause has ended."""
    keys = select(pauses.c.workspace_id, pauses.c.watch_id).where(pauses.c.until_at <= at)
    found = tx.conn.execute(keys.order_by(pauses.c.until_at).limit(limit))
    return [(row.workspace_id, row.watch_id) for row in found]


def next_at(tx: Tx) -> datetime | None:
    """Return when the next pause ends."""
    first: datetime | None = tx.conn.scalar(select(func.min(pauses.c.until_at)))
    return first
