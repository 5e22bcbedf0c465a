"""API keys, as keyed hashes only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, or_, select, update

from dogwatch.store.bulk import Bulk
from dogwatch.store.tables import keys
from dogwatch.store.tx import Tx
from dogwatch.store.types import decode, from_microseconds, instant

TOPIC = "keys"
"""Told where a key, or who made it, is good for less or more than before."""


@dataclass(frozen=True, slots=True)
class Key:
    """An API key as stored: `prefix` finds it, `hash` proves it.

    `made_by` is a person's id, None for the host; `replaced_by` the key it was rotated to.
    """

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
    replaced_by: str | None = None
    dialect: str = "native"

    def good(self, at: datetime) -> bool:
        """Whether it opens anything."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > at)


def add(tx: Tx, key: Key) -> None:
    """Insert a key."""
    values = {name: getattr(key, name) for name in Key.__slots__}
    tx.conn.execute(insert(keys).values(**values | {"scopes": list(key.scopes)}))


def by_prefix(tx: Tx, prefix: str) -> Key | None:
    """Return the key with this lookup prefix."""
    row = next(iter(_BY_PREFIX.select(tx, [(prefix,)])), None)
    return _from_driver(row) if row else None


# Every call of the API asks this.
_BY_PREFIX = Bulk(
    [keys.c.prefix],
    lambda new: select(*(keys.c[name] for name in Key.__slots__)).where(
        keys.c.prefix == new["prefix"]
    ),
)


def get(tx: Tx, workspace_id: int, key_id: str) -> Key | None:
    """Return one key of a workspace."""
    found = select(keys).where(keys.c.workspace_id == workspace_id, keys.c.id == key_id)
    row = tx.conn.execute(found).first()
    return _key(row) if row else None


def listed(tx: Tx, workspace_id: int) -> Sequence[Key]:
    """Return all keys of a workspace, oldest first."""
    found = select(keys).where(keys.c.workspace_id == workspace_id).order_by(keys.c.id)
    return [_key(row) for row in tx.conn.execute(found)]


def page(tx: Tx, workspace_id: int, size: int, after: str) -> Sequence[Key]:
    """Return keys of a workspace, oldest first, behind an id."""
    found = select(keys).where(keys.c.workspace_id == workspace_id, keys.c.id > after)
    return [_key(row) for row in tx.conn.execute(found.order_by(keys.c.id).limit(size))]


def count(tx: Tx, workspace_id: int, at: datetime) -> int:
    """Return how many keys are good at a time, without those whose place another took."""
    good = select(func.count()).where(
        keys.c.workspace_id == workspace_id,
        keys.c.revoked_at.is_(None),
        keys.c.replaced_by.is_(None),
        or_(keys.c.expires_at.is_(None), keys.c.expires_at > at),
    )
    return int(tx.conn.scalar(good) or 0)


def used(tx: Tx, workspace_id: int, key_id: str, at: datetime) -> None:
    """Note when a key was used last."""
    _set(tx, workspace_id, key_id, last_used_at=at)


def change(tx: Tx, workspace_id: int, key_id: str, **values: Any) -> None:
    """Set columns of a key."""
    tx.wake(TOPIC)
    _set(tx, workspace_id, key_id, **values)


def _set(tx: Tx, workspace_id: int, key_id: str, **values: Any) -> None:
    changed = update(keys).where(keys.c.workspace_id == workspace_id, keys.c.id == key_id)
    tx.conn.execute(changed.values(**values))


def revoke(tx: Tx, workspace_id: int, key_id: str, at: datetime) -> bool:
    """Revoke a key, and those it took the place of; False if there is no such valid key."""
    tx.wake(TOPIC)
    valid = (keys.c.workspace_id == workspace_id, keys.c.revoked_at.is_(None))
    revoked = update(keys).values(revoked_at=at)
    gone = tx.conn.execute(revoked.where(*valid, keys.c.id == key_id)).rowcount > 0
    for older in tx.conn.scalars(select(keys.c.id).where(*valid, keys.c.replaced_by == key_id)):
        revoke(tx, workspace_id, older, at)
    return gone


def of_maker(tx: Tx, workspace_id: int, user_id: str) -> Sequence[Key]:
    """Return the keys that a person made in a workspace and that nobody revoked."""
    return [
        key for key in listed(tx, workspace_id) if key.made_by == user_id and key.revoked_at is None
    ]


def suspend(tx: Tx, user_id: str, at: datetime) -> None:
    """Revoke what a person made, in all workspaces; `at` tells these from others."""
    made = update(keys).where(keys.c.made_by == user_id, keys.c.revoked_at.is_(None))
    tx.conn.execute(made.values(revoked_at=at))


def suspended(tx: Tx, user_id: str, at: datetime) -> Sequence[Key]:
    """Return what a person made and was revoked at `at`, in all workspaces."""
    found = select(keys).where(keys.c.made_by == user_id, keys.c.revoked_at == at)
    return [_key(row) for row in tx.conn.execute(found)]


def _key(row: Any) -> Key:
    return Key(**{**row._mapping, "scopes": tuple(row.scopes)})


def _from_driver(row: Sequence[Any]) -> Key:
    workspace_id, key_id, name, prefix, proof, scopes, made, used_at, expires, revoked, *rest = row
    return Key(
        workspace_id,
        key_id,
        name,
        prefix,
        proof,
        tuple(decode(scopes)),
        from_microseconds(made),
        instant(used_at),
        instant(expires),
        instant(revoked),
        *rest,
    )
