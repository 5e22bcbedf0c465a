"""Channels and rules: making, changing and removing them; who is told what stands in `telling`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from dogwatch.core.alerts import Rule, Scope
from dogwatch.core.problems import Problem, invalid
from dogwatch.ids import new_id
from dogwatch.store import channels, tasks, watches
from dogwatch.store.channels import ChannelRow
from dogwatch.store.tx import Tx
from dogwatch.vault import Vault

__all__ = ["ChannelRow"]


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
) -> ChannelRow:
    """Add a channel whose settings have been checked."""
    if not 1 <= len(name.strip()) <= 200:
        raise Problem("invalid", "name: give 1 to 200 characters", {"name": "give 1 to 200"})
    channel_id = new_id(at)
    sealed = vault.seal(
        json.dumps({**public, **secret}).encode(), context(workspace_id, channel_id)
    )
    channel = ChannelRow(workspace_id, channel_id, name.strip(), kind, _open(public), sealed, at)
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

    Settings come as a whole, `public` and `secret` ones.
    """
    changes: dict[str, Any] = {}
    if name is not None:
        changes["name"] = name
    if public is not None and secret is not None:
        row = context(channel.workspace_id, channel.id)
        changes["settings"] = _open(public)
        changes["sealed"] = vault.seal(json.dumps({**public, **secret}).encode(), row)
    if enabled is not None:
        changes["disabled_reason"] = None if enabled else "switched off"
    if changes:
        channels.change(tx, channel.workspace_id, channel.id, **changes)
    return channel_by_id(tx, channel.workspace_id, channel.id)


def remove_channel(tx: Tx, workspace_id: int, channel_id: str) -> None:
    """Delete a channel with its rules and deliveries."""
    channel_by_id(tx, workspace_id, channel_id)
    tasks.drop_of_channel(tx, workspace_id, channel_id)
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


def rule_page(tx: Tx, workspace_id: int, limit: int, after: str) -> Sequence[tuple[Rule, datetime]]:
    """Return rules with the times they were made, oldest first, after id `after`."""
    found = channels.rules_with_age(tx, workspace_id)
    return [(rule, made_at) for rule, made_at in found if rule.id > after][:limit]


def add_rule(tx: Tx, workspace_id: int, rule: Rule, at: datetime) -> Rule:
    """Add a rule; its channel must be there, and so must its watches, by id or slug."""
    if channels.by_id(tx, workspace_id, rule.channel_id) is None:
        raise invalid("channel_id", "there is no such channel")
    rule = replace(rule, id=new_id(at), scope=_known(tx, workspace_id, rule.scope))
    channels.add_rule(tx, workspace_id, rule, at)
    return rule


def _known(tx: Tx, workspace_id: int, scope: Scope) -> Scope:
    """Return the scope with its watches by id."""
    if scope.kind != "watches":
        return scope
    names = sorted(scope.values)
    return Scope("watches", frozenset(_watch_id(tx, workspace_id, name) for name in names))


def _watch_id(tx: Tx, workspace_id: int, name: str) -> str:
    record = watches.by_name(tx, workspace_id, name)
    if record is None:
        raise invalid("scope.values", f"there is no watch {name!r}")
    return record.id


def remove_rule(tx: Tx, workspace_id: int, rule_id: str) -> None:
    """Delete a rule."""
    if not channels.remove_rule(tx, workspace_id, rule_id):
        raise Problem("not_found", f"there is no rule {rule_id!r}")
