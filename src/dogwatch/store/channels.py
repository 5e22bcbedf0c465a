"""Channels: the places to tell."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, tuple_, update

from dogwatch.store.tables import channels
from dogwatch.store.tx import Tx


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """One place to tell. `settings` may be shown; `sealed` holds the secret ones, encrypted."""

    workspace_id: int
    id: str
    name: str
    kind: str
    settings: dict[str, Any]
    sealed: bytes
    created_at: datetime
    disabled_reason: str | None = None
    group_window_s: int | None = None
    key: str | None = None


def add(tx: Tx, channel: ChannelRow) -> None:
    """Insert a channel."""
    values = {name: getattr(channel, name) for name in ChannelRow.__slots__}
    tx.conn.execute(insert(channels).values(**values))


def by_id(tx: Tx, workspace_id: int, channel_id: str) -> ChannelRow | None:
    """Return one channel."""
    found = select(channels).where(
        channels.c.workspace_id == workspace_id, channels.c.id == channel_id
    )
    row = tx.conn.execute(found).first()
    return ChannelRow(**row._mapping) if row else None


def by_ids(tx: Tx, keys: Collection[tuple[int, str]]) -> dict[tuple[int, str], ChannelRow]:
    """Return the channels with these (workspace id, id)."""
    if not keys:
        return {}
    found = [ChannelRow(**row._mapping) for row in tx.conn.execute(_BY_IDS, {"keys": list(keys)})]
    return {(channel.workspace_id, channel.id): channel for channel in found}


_BY_IDS = select(channels).where(
    tuple_(channels.c.workspace_id, channels.c.id).in_(bindparam("keys", expanding=True))
)


def kinds_and_windows(tx: Tx, workspace_id: int) -> dict[str, tuple[str, int | None]]:
    """Return the kind and the group window of each channel of a workspace, by id."""
    found = select(channels.c.id, channels.c.kind, channels.c.group_window_s).where(
        channels.c.workspace_id == workspace_id
    )
    return {row.id: (row.kind, row.group_window_s) for row in tx.conn.execute(found)}


def listed(tx: Tx, workspace_id: int, limit: int, after: str = "") -> Sequence[ChannelRow]:
    """Return channels oldest first, from the one after id `after`."""
    found = (
        select(channels)
        .where(channels.c.workspace_id == workspace_id, channels.c.id > after)
        .order_by(channels.c.id)
        .limit(limit)
    )
    return [ChannelRow(**row._mapping) for row in tx.conn.execute(found)]


def change(tx: Tx, workspace_id: int, channel_id: str, **changes: Any) -> None:
    """Change columns of a channel."""
    tx.conn.execute(
        update(channels)
        .where(channels.c.workspace_id == workspace_id, channels.c.id == channel_id)
        .values(**changes)
    )


def remove(tx: Tx, workspace_id: int, channel_id: str) -> None:
    """Delete a channel with its rules and deliveries."""
    tx.conn.execute(
        delete(channels).where(channels.c.workspace_id == workspace_id, channels.c.id == channel_id)
    )
