"""Rules: which events of which watches go to which channel, and when."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from functools import lru_cache
from typing import Any

from sqlalchemy import Text, delete, insert, select, type_coerce, update

from dogwatch.core.alerts import Escalation, Event, Rule, Scope
from dogwatch.core.windows import Digest, Quiet
from dogwatch.store import workspaces
from dogwatch.store.tables import rules
from dogwatch.store.tx import Tx
from dogwatch.store.types import decode

# Each batch of flips reads all of its workspace, which may be thousands: as the driver has them.
_TEXTS = (type_coerce(one, Text) for one in (rules.c.events, rules.c.scope, rules.c.timing))
_ROWS = select(rules.c.created_at, rules.c.id, rules.c.channel_id, *_TEXTS)


def add(tx: Tx, workspace_id: int, rule: Rule, created_at: datetime) -> None:
    """Insert a rule."""
    values = _values(rule) | {"workspace_id": workspace_id, "created_at": created_at}
    tx.conn.execute(insert(rules).values(id=rule.id, **values))
    workspaces.rules_changed(tx, workspace_id)


def change(tx: Tx, workspace_id: int, rule: Rule) -> None:
    """Write back all of a rule."""
    mine = update(rules).where(rules.c.workspace_id == workspace_id, rules.c.id == rule.id)
    tx.conn.execute(mine.values(**_values(rule)))
    workspaces.rules_changed(tx, workspace_id)


def of_workspace(tx: Tx, workspace_id: int) -> Sequence[Rule]:
    """Return every rule of a workspace, oldest first."""
    return [rule for rule, _ in with_age(tx, workspace_id)]


def with_age(tx: Tx, workspace_id: int) -> Sequence[tuple[Rule, datetime]]:
    """Return every rule of a workspace with the time it was made, oldest first."""
    found = _ROWS.where(rules.c.workspace_id == workspace_id).order_by(rules.c.id)
    return [(_rule(*values), created_at) for created_at, *values in tx.conn.execute(found)]


def by_id(tx: Tx, workspace_id: int, rule_id: str) -> tuple[Rule, datetime] | None:
    """Return one rule with the time it was made."""
    mine = _ROWS.where(rules.c.workspace_id == workspace_id, rules.c.id == rule_id)
    row = tx.conn.execute(mine).first()
    return (_rule(*row[1:]), row.created_at) if row else None


def remove(tx: Tx, workspace_id: int, rule_id: str) -> bool:
    """Delete a rule; tell whether there was one."""
    gone = delete(rules).where(rules.c.workspace_id == workspace_id, rules.c.id == rule_id)
    workspaces.rules_changed(tx, workspace_id)
    return tx.conn.execute(gone).rowcount > 0


def scope_json(scope: Scope) -> dict[str, Any]:
    """Return a scope as it is stored."""
    return {"kind": scope.kind, "values": sorted(scope.values)}


def scope_of(stored: Mapping[str, Any]) -> Scope:
    """Return a stored scope."""
    return Scope(stored["kind"], frozenset(stored["values"]))


def _values(rule: Rule) -> dict[str, Any]:
    return {
        "channel_id": rule.channel_id,
        "events": sorted(rule.events),
        "scope": scope_json(rule.scope),
        "timing": _timing(rule),
    }


def _timing(rule: Rule) -> dict[str, Any]:
    told: dict[str, Any] = {"delay_s": rule.delay_s, "repeat_s": rule.repeat_s}
    if quiet := rule.quiet:
        told["quiet"] = [f"{quiet.start:%H:%M}", f"{quiet.end:%H:%M}", quiet.timezone]
    if rule.digest:
        told["digest"] = [f"{rule.digest.time:%H:%M}", rule.digest.timezone]
    told["escalations"] = [[step.channel_id, step.after_s] for step in rule.escalations]
    return {name: value for name, value in told.items() if value}


@lru_cache(maxsize=16_384)
def _rule(own_id: str, channel_id: str, events: str, scope: str, timing: str) -> Rule:
    timed = decode(timing)
    quiet, digest = timed.get("quiet"), timed.get("digest")
    return Rule(
        id=own_id,
        channel_id=channel_id,
        events=frozenset(Event(event) for event in decode(events)),
        scope=scope_of(decode(scope)),
        delay_s=timed.get("delay_s", 0),
        quiet=Quiet(_clock(quiet[0]), _clock(quiet[1]), quiet[2]) if quiet else None,
        repeat_s=timed.get("repeat_s"),
        digest=Digest(_clock(digest[0]), digest[1]) if digest else None,
        escalations=tuple(Escalation(*step) for step in timed.get("escalations", ())),
    )


def _clock(text: str) -> time:
    return time.fromisoformat(text)
