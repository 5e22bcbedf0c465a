"""API keys, as keyed hashes only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update

from dogwatch.store.tables import keys
from dogwatch.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Key:
    """An API key as stored: `prefix` finds it, `hash` proves it."""

    workspace_id: int
    id: str
    name: str
    prefix: str
    hash: bytes
    scopes: tuple[str, ...]
    created_at: datetime
    last_used_at: datetime | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    made_by: str | None = None
    dialect: str = "native"


def add(tx: Tx, key: Key) -> None:
    """Insert a key."""
    values = {name: getattr(key, name) for name in Key.__slots__}
    tx.conn.execute(insert(keys).values(**values | {"scopes": list(key.scopes)}))


def by_prefix(tx: Tx, prefix: str) -> Key | None:
    """Return the key with this lookup prefix."""
    row = tx.conn.execute(select(keys).where(keys.c.prefix == prefix)).first()
    return Key(**{**row._mapping, "scopes": tuple(row.scopes)}) if row else None


def listed(tx: Tx, workspace_id: int) -> Sequence[Key]:
    """Return all keys of a workspace, oldest first."""
    rows = tx.conn.execute(
        select(keys).where(keys.c.workspace_id == workspace_id).order_by(keys.c.id)
    )
    return [Key(**{**row._mapping, "scopes": tuple(row.scopes)}) for row in rows]


def used(tx: Tx, workspace_id: int, key_id: str, at: datetime) -> None:
    """Note when a key was used last."""
    tx.conn.execute(
        update(keys)
        .where(keys.c.workspace_id == workspace_id, keys.c.id == key_id)
        .values(last_used_at=at)
    )


def revoke(tx: Tx, workspace_id: int, key_id: str, at: datetime) -> bool:
    """Revoke a key; False if there is no such valid key."""
    revoked = (
        update(keys)
        .where(
            keys.c.workspace_id == workspace_id, keys.c.id == key_id, keys.c.revoked_at.is_(None)
        )
        .values(revoked_at=at)
    )
    return tx.conn.execute(revoked).rowcount > 0
