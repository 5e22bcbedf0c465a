"""Channels and rules as their owners see them; how they are told stands in `telling`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from dogwatch.core.alerts import Rule, Scope
from dogwatch.core.problems import Problem, invalid
from dogwatch.store import channels, tasks, watches
from dogwatch.store.channels import ChannelRow
from dogwatch.store.tx import Tx
from dogwatch.usecases.telling import add_rule, channel_by_id

__all__ = ["ChannelRow"]


def channel_page(tx: Tx, workspace_id: int, limit: int, after: str) -> Sequence[ChannelRow]:
    """Return channels oldest first, from the one after id `after`."""
    return channels.listed(tx, workspace_id, limit, after)


def remove_channel(tx: Tx, workspace_id: int, channel_id: str) -> None:
    """Delete a channel with its rules and deliveries."""
    channel_by_id(tx, workspace_id, channel_id)
    tasks.drop_of_channel(tx, workspace_id, channel_id)
    channels.remove(tx, workspace_id, channel_id)


def rule_page(tx: Tx, workspace_id: int, limit: int, after: str) -> Sequence[tuple[Rule, datetime]]:
    """Return rules with the times they were made, oldest first, after id `after`."""
    found = channels.rules_with_age(tx, workspace_id)
    return [(rule, made_at) for rule, made_at in found if rule.id > after][:limit]


def make_rule(tx: Tx, workspace_id: int, rule: Rule, at: datetime) -> Rule:
    """Add a rule; its channel must be there, and so must its watches, by id or slug."""
    scope = rule.scope
    if scope.kind == "watches":
        ids = frozenset(_watch_id(tx, workspace_id, name) for name in sorted(scope.values))
        rule = replace(rule, scope=Scope("watches", ids))
    return add_rule(tx, workspace_id, _with_channel(tx, workspace_id, rule), at)


def _with_channel(tx: Tx, workspace_id: int, rule: Rule) -> Rule:
    if channels.by_id(tx, workspace_id, rule.channel_id) is None:
        raise invalid("channel_id", "there is no such channel")
    return rule


def _watch_id(tx: Tx, workspace_id: int, name: str) -> str:
    record = watches.by_name(tx, workspace_id, name)
    if record is None:
        raise invalid("scope.values", f"there is no watch {name!r}")
    return record.id


def remove_rule(tx: Tx, workspace_id: int, rule_id: str) -> None:
    """Delete a rule."""
    if not channels.remove_rule(tx, workspace_id, rule_id):
        raise Problem("not_found", f"there is no rule {rule_id!r}")
