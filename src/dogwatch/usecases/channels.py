"""Channels: making, changing and removing them; what is told stands in `alerting`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from dogwatch.core.problems import Problem, invalid
from dogwatch.ids import new_id
from dogwatch.store import channels, tasks
from dogwatch.store.channels import ChannelRow
from dogwatch.store.tx import Tx
from dogwatch.usecases import keeping
from dogwatch.vault import Vault

__all__ = ["ChannelRow"]

MOST_WINDOW_S = 3600


def channel_by_id(tx: Tx, workspace_id: int, channel_id: str) -> ChannelRow:
    """Return a channel or raise not_found."""
    channel = channels.by_id(tx, workspace_id, channel_id)
    if channel is None:
        raise Problem("not_found", f"there is no channel {channel_id}")
    return channel


def channel_page(tx: Tx, workspace_id: int, limit: int, after: str) -> Sequence[ChannelRow]:
    """Return channels oldest first, from the one after id `after`."""
    return channels.listed(tx, workspace_id, limit, after)


def add_channel(
    tx: Tx,
    workspace_id: int,
    name: str,
    kind: str,
    public: Mapping[str, Any],
    secret: Mapping[str, Any],
    vault: Vault,
    at: datetime,
    group_window_s: int | None = None,
) -> ChannelRow:
    """Add a channel whose settings have been checked.

    `group_window_s`: for how long it collects flips for one message; None as its kind does.
    """
    check_group_window(group_window_s)
    channel_id = new_id(at)
    sealed = vault.seal(
        json.dumps({**public, **secret}).encode(), context(workspace_id, channel_id)
    )
    channel = ChannelRow(
        workspace_id, channel_id, _named(name), kind, _open(public), sealed, at,
        group_window_s=group_window_s,
    )  # fmt: skip
    channels.add(tx, channel)
    return channel


def change_channel(
    tx: Tx,
    channel: ChannelRow,
    vault: Vault,
    *,
    name: str | None = None,
    public: Mapping[str, Any] | None = None,
    secret: Mapping[str, Any] | None = None,
    enabled: bool | None = None,
) -> ChannelRow:
    """Change a channel; enabling it again clears the reason why it was off.

    Settings come as a whole, `public` and `secret` ones. One that is kept in a manifest is changed
    there; it can always be switched off and on.
    """
    if name is not None or public is not None:
        refuse_kept(tx, channel)
    changes: dict[str, Any] = {}
    if name is not None:
        changes["name"] = _named(name)
    if public is not None and secret is not None:
        row = context(channel.workspace_id, channel.id)
        changes["settings"] = _open(public)
        changes["sealed"] = vault.seal(json.dumps({**public, **secret}).encode(), row)
    if enabled is not None:
        changes["disabled_reason"] = None if enabled else "switched off"
    if changes:
        channels.change(tx, channel.workspace_id, channel.id, **changes)
    return channel_by_id(tx, channel.workspace_id, channel.id)


def _named(name: str) -> str:
    """Return a name as it is kept, or raise a Problem for one that is empty or too long."""
    if not 1 <= len(name.strip()) <= 200:
        raise invalid("name", "give 1 to 200 characters")
    return name.strip()


def regroup(tx: Tx, channel: ChannelRow, group_window_s: int | None) -> ChannelRow:
    """Have a channel collect flips for so long; None: as is usual for its kind."""
    refuse_kept(tx, channel)
    check_group_window(group_window_s)
    channels.change(tx, channel.workspace_id, channel.id, group_window_s=group_window_s)
    return replace(channel, group_window_s=group_window_s)


def call(tx: Tx, channel: ChannelRow, key: str) -> None:
    """Have a file name a channel by this key, whatever its name becomes."""
    channels.change(tx, channel.workspace_id, channel.id, key=key)


def refuse_kept(tx: Tx, channel: ChannelRow) -> None:
    """Raise a conflict for a channel that is kept in a manifest."""
    keeping.refuse(tx, channel.workspace_id, (keeping.CHANNEL, channel.id), channel.name)


def check_group_window(group_window_s: int | None) -> None:
    """Raise a Problem for a time that is too long to wait for an alert."""
    if group_window_s is not None and not 0 <= group_window_s <= MOST_WINDOW_S:
        raise invalid("group_window_s", f"give a whole number from 0 to {MOST_WINDOW_S}")


def remove_channel(tx: Tx, workspace_id: int, channel_id: str) -> None:
    """Delete a channel with its rules and deliveries."""
    channel_by_id(tx, workspace_id, channel_id)
    tasks.drop_of_channel(tx, workspace_id, channel_id)
    keeping.let_go(tx, workspace_id, (keeping.CHANNEL, channel_id))
    channels.remove(tx, workspace_id, channel_id)


def _open(public: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that may lie open in the database; an address may hold a key."""
    return {name: "***" if name == "url" else value for name, value in public.items()}


def unsealed(vault: Vault, channel: ChannelRow) -> dict[str, Any]:
    """Return all settings of a channel, the secret ones decrypted."""
    secret = json.loads(vault.open(channel.sealed, context(channel.workspace_id, channel.id)))
    return {**channel.settings, **secret}


def context(workspace_id: int, channel_id: str) -> str:
    """Return the identity of a channel's row, which its sealed settings belong to."""
    return f"channel:{workspace_id}:{channel_id}"
