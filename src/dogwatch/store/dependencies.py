"""Dependencies: which watches hold back whose alerts while they are down."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, exists, insert, or_, select

from dogwatch.store.tables import dependencies, watches
from dogwatch.store.tx import Tx


def graph(tx: Tx, workspace_id: int) -> dict[str, set[str]]:
    """Return the ids of the parents of each watch that has any."""
    found: dict[str, set[str]] = {}
    edges = select(dependencies).where(dependencies.c.workspace_id == workspace_id)
    for row in tx.conn.execute(edges):
        found.setdefault(row.watch_id, set()).add(row.parent_id)
    return found


def down_above(tx: Tx, workspace_id: int) -> dict[str, str]:
    """Return the watches that others depend on and that are down: id to name."""
    above = exists().where(
        dependencies.c.workspace_id == watches.c.workspace_id,
        dependencies.c.parent_id == watches.c.id,
    )
    found = select(watches.c.id, watches.c.name).where(
        watches.c.workspace_id == workspace_id, watches.c.status == "down", above
    )
    return {row.id: row.name for row in tx.conn.execute(found)}


def due_above(tx: Tx, workspace_id: int, by: datetime) -> set[str]:
    """Return the watches that others depend on and that owe a slot by then, or have one open."""
    above = exists().where(
        dependencies.c.workspace_id == watches.c.workspace_id,
        dependencies.c.parent_id == watches.c.id,
    )
    owing = or_(watches.c.slot_at <= by, watches.c.open != [])
    found = select(watches.c.id).where(
        watches.c.workspace_id == workspace_id,
        watches.c.status.not_in(("down", "paused")),
        owing,
        above,
    )
    return set(tx.conn.scalars(found))


def replace_parents(tx: Tx, workspace_id: int, watch_id: str, parents: Collection[str]) -> None:
    """Have a watch depend on these alone."""
    own = dependencies.c.workspace_id == workspace_id, dependencies.c.watch_id == watch_id
    tx.conn.execute(delete(dependencies).where(*own))
    rows = [
        {"workspace_id": workspace_id, "watch_id": watch_id, "parent_id": parent}
        for parent in sorted(parents)
    ]
    if rows:
        tx.conn.execute(insert(dependencies), rows)
