"""Workspaces: who owns what."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select, update

from dogwatch.store.tables import metadata, workspaces
from dogwatch.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Workspace:
    """One tenant; `ping_key` is the public key of pings by slug."""

    id: int
    name: str
    ping_key: str
    created_at: datetime
    plan: str = "unlimited"


def add(tx: Tx, name: str, ping_key: str, at: datetime) -> int:
    """Insert a workspace and return its id."""
    made = insert(workspaces).values(name=name, ping_key=ping_key, created_at=at)
    return int(tx.conn.execute(made.returning(workspaces.c.id)).scalar_one())


def get(tx: Tx, workspace_id: int, *, lock: bool = False) -> Workspace | None:
    """Return one workspace."""
    found = select(workspaces).where(workspaces.c.id == workspace_id)
    row = tx.conn.execute(found.with_for_update() if lock else found).first()
    return Workspace(**row._mapping) if row else None


def first(tx: Tx) -> Workspace | None:
    """Return the oldest workspace, None on an empty store."""
    row = tx.conn.execute(select(workspaces).order_by(workspaces.c.id).limit(1)).first()
    return Workspace(**row._mapping) if row else None


def listed(tx: Tx) -> Sequence[Workspace]:
    """Return all workspaces, oldest first."""
    rows = tx.conn.execute(select(workspaces).order_by(workspaces.c.id))
    return [Workspace(**row._mapping) for row in rows]


def by_ping_keys(tx: Tx, ping_keys: Collection[str]) -> dict[str, Workspace]:
    """Return the workspaces behind these ping keys."""
    if not ping_keys:
        return {}
    rows = tx.conn.execute(select(workspaces).where(workspaces.c.ping_key.in_(ping_keys)))
    return {row.ping_key: Workspace(**row._mapping) for row in rows}


def change(tx: Tx, workspace_id: int, **values: str) -> None:
    """Set the name or the plan."""
    tx.conn.execute(update(workspaces).where(workspaces.c.id == workspace_id).values(**values))


def remove(tx: Tx, workspace_id: int) -> None:
    """Remove a workspace with everything in it; the audit log stays."""
    for table in reversed(metadata.sorted_tables):
        if "workspace_id" in table.c and table.name != "audit_log":
            tx.conn.execute(delete(table).where(table.c.workspace_id == workspace_id))
    tx.conn.execute(delete(workspaces).where(workspaces.c.id == workspace_id))
