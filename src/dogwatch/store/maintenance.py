"""Maintenance: windows in which no alert opens."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from dogwatch.core.alerts import Scope
from dogwatch.core.problems import Problem
from dogwatch.core.windows import WindowSpec
from dogwatch.store.rules import scope_json, scope_of
from dogwatch.store.tables import maintenance
from dogwatch.store.tx import Tx

_TIMES = ("start_at", "end_at")


@dataclass(frozen=True, slots=True)
class Maintenance:
    """A window, and the watches it is for."""

    workspace_id: int
    id: str
    name: str
    scope: Scope
    spec: WindowSpec
    created_at: datetime

    def open_until(self, at: datetime) -> datetime | None:
        """Return when it ends if it is open; None too for one that cannot be read here."""
        with suppress(Problem):
            return self.spec.window().until(at)
        return None


def add(tx: Tx, one: Maintenance) -> None:
    """Insert a window."""
    values = _values(one) | {"workspace_id": one.workspace_id, "id": one.id}
    tx.conn.execute(insert(maintenance).values(created_at=one.created_at, **values))


def save(tx: Tx, one: Maintenance) -> None:
    """Write back a window."""
    mine = maintenance.c.workspace_id == one.workspace_id, maintenance.c.id == one.id
    tx.conn.execute(update(maintenance).where(*mine).values(**_values(one)))


def of_workspace(tx: Tx, workspace_id: int) -> Sequence[Maintenance]:
    """Return the windows of a workspace, oldest first."""
    found = select(maintenance).where(maintenance.c.workspace_id == workspace_id)
    return [_one(row) for row in tx.conn.execute(found.order_by(maintenance.c.id))]


def by_id(tx: Tx, workspace_id: int, maintenance_id: str) -> Maintenance | None:
    """Return one window."""
    mine = maintenance.c.workspace_id == workspace_id, maintenance.c.id == maintenance_id
    row = tx.conn.execute(select(maintenance).where(*mine)).first()
    return _one(row) if row else None


def remove(tx: Tx, workspace_id: int, maintenance_id: str) -> None:
    """Delete a window."""
    mine = maintenance.c.workspace_id == workspace_id, maintenance.c.id == maintenance_id
    tx.conn.execute(delete(maintenance).where(*mine))


def _values(one: Maintenance) -> dict[str, Any]:
    spec = {name: getattr(one.spec, name) for name in WindowSpec.__slots__}
    spec |= {name: spec[name] and spec[name].isoformat() for name in _TIMES}
    return {"name": one.name, "scope": scope_json(one.scope), "spec": spec}


def _one(row: Row[Any]) -> Maintenance:
    spec = dict(row.spec) | {"days": tuple(row.spec["days"])}
    spec |= {name: spec[name] and datetime.fromisoformat(spec[name]) for name in _TIMES}
    return Maintenance(
        row.workspace_id, row.id, row.name, scope_of(row.scope), WindowSpec(**spec), row.created_at
    )
