"""Workspaces, API keys (as keyed hashes only) and answers kept for idempotency keys."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update

from dogwatch.store.tables import idempotency, keys, workspaces
from dogwatch.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Workspace:
    """One tenant; `ping_key` is the public key of pings by slug."""

    id: int
    name: str
    ping_key: str
    created_at: datetime


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


def add_workspace(tx: Tx, name: str, ping_key: str, at: datetime) -> int:
    """Insert a workspace and return its id."""
    made = insert(workspaces).values(name=name, ping_key=ping_key, created_at=at)
    return int(tx.conn.execute(made.returning(workspaces.c.id)).scalar_one())


def workspace(tx: Tx, workspace_id: int) -> Workspace | None:
    """Return one workspace."""
    row = tx.conn.execute(select(workspaces).where(workspaces.c.id == workspace_id)).first()
    return Workspace(**row._mapping) if row else None


def first_workspace(tx: Tx) -> Workspace | None:
    """Return the oldest workspace, None on an empty store."""
    row = tx.conn.execute(select(workspaces).order_by(workspaces.c.id).limit(1)).first()
    return Workspace(**row._mapping) if row else None


def workspaces_by_ping_key(tx: Tx, ping_keys: Collection[str]) -> dict[str, Workspace]:
    """Return the workspaces behind these ping keys."""
    if not ping_keys:
        return {}
    rows = tx.conn.execute(select(workspaces).where(workspaces.c.ping_key.in_(ping_keys)))
    return {row.ping_key: Workspace(**row._mapping) for row in rows}


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
