"""Rules: making, changing and removing them. What was held under the old ones is decided anew."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from dogwatch.core.alerts import Rule, Scope
from dogwatch.core.decision import Held
from dogwatch.core.problems import Problem, invalid
from dogwatch.ids import new_id
from dogwatch.store import channels, rules, watches, workspaces
from dogwatch.store.tx import Tx
from dogwatch.usecases import keeping, lateness
from dogwatch.usecases.holding import wake_held

# What a rule holds by its own words.
_OF_RULES = (Held.DELAY, Held.QUIET)


def rule_page(tx: Tx, workspace_id: int, limit: int, after: str) -> Sequence[tuple[Rule, datetime]]:
    """Return rules with the times they were made, oldest first, after id `after`."""
    found = rules.with_age(tx, workspace_id)
    return [(rule, made_at) for rule, made_at in found if rule.id > after][:limit]


def rule_by_id(tx: Tx, workspace_id: int, rule_id: str) -> tuple[Rule, datetime]:
    """Return a rule with the time it was made, or raise not_found."""
    found = rules.by_id(tx, workspace_id, rule_id)
    if found is None:
        raise Problem("not_found", f"there is no rule {rule_id!r}")
    return found


def add_rule(tx: Tx, workspace_id: int, rule: Rule, at: datetime) -> Rule:
    """Add a rule; its channels must be there, and so must its watches, by id or slug."""
    rule = _checked(tx, workspace_id, replace(rule, id=new_id(at)))
    rules.add(tx, workspace_id, rule, at)
    _apply(tx, workspace_id, at)
    return rule


def change_rule(tx: Tx, workspace_id: int, rule: Rule, at: datetime) -> Rule:
    """Put a rule in the place of the one with its id; one kept in a manifest is changed there."""
    keeping.refuse(tx, workspace_id, (keeping.RULE, rule.id), "this rule")
    rule = _checked(tx, workspace_id, rule)
    rules.change(tx, workspace_id, rule)
    _apply(tx, workspace_id, at)
    return rule


def remove_rule(tx: Tx, workspace_id: int, rule_id: str, at: datetime) -> None:
    """Delete a rule; what it alone would have sent is suppressed."""
    if not rules.remove(tx, workspace_id, rule_id):
        raise Problem("not_found", f"there is no rule {rule_id!r}")
    keeping.let_go(tx, workspace_id, (keeping.RULE, rule_id))
    _apply(tx, workspace_id, at)


def _apply(tx: Tx, workspace_id: int, at: datetime) -> None:
    workspaces.get(tx, workspace_id, lock=True)
    lateness.arm_all(tx, workspace_id, at)
    for hold in _OF_RULES:
        wake_held(tx, workspace_id, hold, at)


def _checked(tx: Tx, workspace_id: int, rule: Rule) -> Rule:
    """Return the rule with its watches by id."""
    if channels.by_id(tx, workspace_id, rule.channel_id) is None:
        raise invalid("channel_id", "there is no such channel")
    for place, step in enumerate(rule.escalations):
        field = f"escalations.{place}.channel_id"
        if channels.by_id(tx, workspace_id, step.channel_id) is None:
            raise invalid(field, "there is no such channel")
        if step.channel_id == rule.channel_id:
            raise invalid(field, "it is told first already; set repeat_s to tell it again")
    return replace(rule, scope=known(tx, workspace_id, rule.scope))


def known(tx: Tx, workspace_id: int, scope: Scope) -> Scope:
    """Return the scope with its watches by id; raise invalid for those that are not there."""
    if scope.kind != "watches":
        return scope
    names = sorted(scope.values)
    return Scope("watches", frozenset(_watch_id(tx, workspace_id, name) for name in names))


def _watch_id(tx: Tx, workspace_id: int, name: str) -> str:
    record = watches.by_name(tx, workspace_id, name)
    if record is None:
        raise invalid("scope.values", f"there is no watch {name!r}")
    return record.id
