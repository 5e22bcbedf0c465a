"""Hooks: a channel that a dialect gives to one watch, with a rule for that watch alone."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dogwatch.core.alerts import Event, Rule, Scope
from dogwatch.core.plans import admit
from dogwatch.store import aliases, channels, rules
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases.allowances import plan_in
from dogwatch.usecases.channels import add_channel, remove_channel, unsealed
from dogwatch.usecases.rules import add_rule
from dogwatch.vault import Vault

EVENTS = frozenset({Event.DOWN, Event.RECOVERED, Event.DEGRADED})
# Under this name an alias keeps the id of the channel that its dialect gave to the watch.
KEPT = "webhook"
_NAMED = 200


@dataclass(frozen=True, slots=True)
class Hook:
    """A channel as it is to be made; its settings have been checked."""

    kind: str
    name: str
    public: Mapping[str, Any]
    secret: Mapping[str, Any]


def give(tx: Tx, record: Record, hook: Hook, vault: Vault, at: datetime) -> str:
    """Have a watch tell a channel of its own; return the id of that channel."""
    admit(plan_in(tx, record.workspace_id), "webhooks_per_watch", 0)
    made = add_channel(
        tx, record.workspace_id, hook.name[:_NAMED], hook.kind, hook.public, hook.secret, vault, at
    )
    own = Scope("watches", frozenset({record.id}))
    add_rule(tx, record.workspace_id, Rule("", made.id, EVENTS, own), at)
    return made.id


def take(tx: Tx, workspace_id: int, channel_id: str) -> None:
    """Remove a channel that was given; one that somebody removed already is no fault."""
    if channels.by_id(tx, workspace_id, channel_id):
        remove_channel(tx, workspace_id, channel_id)


def drop(tx: Tx, record: Record) -> None:
    """Remove the channels that dialects gave to a watch that goes, but those in use for others."""
    given = {alias.said.get(KEPT) for alias in aliases.of_watch(tx, *record.key)} - {None}
    if not given:
        return
    own = Scope("watches", frozenset({record.id}))
    for rule, _ in rules.with_age(tx, record.workspace_id):
        if rule.scope != own:
            given -= {rule.channel_id, *(step.channel_id for step in rule.escalations)}
    for channel_id in given:
        take(tx, record.workspace_id, str(channel_id))


def addresses(
    tx: Tx, workspace_id: int, channel_ids: Collection[str], vault: Vault
) -> dict[str, str]:
    """Return where each of these channels posts to; those that are gone are left out."""
    found = channels.by_ids(tx, {(workspace_id, own_id) for own_id in channel_ids})
    return {row.id: str(unsealed(vault, row).get("url", "")) for row in found.values()}
