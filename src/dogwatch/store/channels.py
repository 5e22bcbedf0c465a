"""Channels, and the rules that send flips to them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, tuple_, update

from dogwatch.core.alerts import Event, Rule, Scope
from dogwatch.store.tables import channels, rules
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


def add_rule(tx: Tx, workspace_id: int, rule: Rule, created_at: datetime) -> None:
    """Insert a rule."""
    tx.conn.execute(
        insert(rules).values(
            workspace_id=workspace_id,
            id=rule.id,
            channel_id=rule.channel_id,
            events=sorted(rule.events),
            scope={"kind": rule.scope.kind, "values": sorted(rule.scope.values)},
            created_at=created_at,
        )
    )


def rules_of(tx: Tx, workspace_id: int) -> Sequence[Rule]:
    """Return every rule of a workspace, oldest first."""
    return [rule for rule, _ in rules_with_age(tx, workspace_id)]


def rules_with_age(tx: Tx, workspace_id: int) -> Sequence[tuple[Rule, datetime]]:
    """Return every rule of a workspace with the time it was made, oldest first."""
    found = select(rules).where(rules.c.workspace_id == workspace_id).order_by(rules.c.id)
    return [(_rule(row), row.created_at) for row in tx.conn.execute(found)]


def remove_rule(tx: Tx, workspace_id: int, rule_id: str) -> bool:
    """Delete a rule; tell whether there was one."""
    gone = delete(rules).where(rules.c.workspace_id == workspace_id, rules.c.id == rule_id)
    return tx.conn.execute(gone).rowcount > 0


def _rule(row: Row[Any]) -> Rule:
    return Rule(
        id=row.id,
        channel_id=row.channel_id,
        events=frozenset(Event(event) for event in row.events),
        scope=Scope(row.scope["kind"], frozenset(row.scope["values"])),
    )
