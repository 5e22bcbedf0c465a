"""Channels: the places to tell."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update

from dogwatch.store import workspaces
from dogwatch.store.bulk import Bulk
from dogwatch.store.tables import channels
from dogwatch.store.tx import Tx
from dogwatch.store.types import decode, from_microseconds


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
    workspaces.rules_changed(tx, channel.workspace_id)


def by_id(tx: Tx, workspace_id: int, channel_id: str) -> ChannelRow | None:
    """Return one channel."""
    found = select(channels).where(
        channels.c.workspace_id == workspace_id, channels.c.id == channel_id
    )
    row = tx.conn.execute(found).first()
    return ChannelRow(**row._mapping) if row else None


def by_ids(tx: Tx, keys: Collection[tuple[int, str]]) -> dict[tuple[int, str], ChannelRow]:
    """Return the channels with these (workspace id, id)."""
    found = map(_read, _BY_IDS.select(tx, list(keys)))
    return {(channel.workspace_id, channel.id): channel for channel in found}


_KEY = (channels.c.workspace_id, channels.c.id)
_BY_IDS = Bulk(
    _KEY,
    lambda new: select(*(channels.c[name] for name in ChannelRow.__slots__)).where(
        *(column == new[column.name] for column in _KEY)
    ),
)


def _read(values: Sequence[Any]) -> ChannelRow:
    """Read a row as the driver has it."""
    workspace_id, own_id, name, kind, settings, sealed, created_at, *rest = values
    return ChannelRow(
        workspace_id, own_id, name, kind, decode(settings), sealed,
        from_microseconds(created_at), *rest,
    )  # fmt: skip


def of_workspace(tx: Tx, workspace_id: int) -> Sequence[ChannelRow]:
    """Return all channels of a workspace."""
    found = select(channels).where(channels.c.workspace_id == workspace_id)
    return [ChannelRow(**row._mapping) for row in tx.conn.execute(found)]


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
    if changes.keys() & {"group_window_s", "settings"}:
        workspaces.rules_changed(tx, workspace_id)


def remove(tx: Tx, workspace_id: int, channel_id: str) -> None:
    """Delete a channel with its rules and deliveries."""
    tx.conn.execute(
        delete(channels).where(channels.c.workspace_id == workspace_id, channels.c.id == channel_id)
    )
    workspaces.rules_changed(tx, workspace_id)
