"""Maintenance: windows in which no alert opens. A change of them decides anew what they held."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from dogwatch.core.alerts import Scope
from dogwatch.core.decision import Held
from dogwatch.core.problems import Problem, invalid
from dogwatch.core.windows import WindowSpec
from dogwatch.ids import new_id
from dogwatch.store import maintenance, workspaces
from dogwatch.store.maintenance import Maintenance
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases import keeping
from dogwatch.usecases.holding import wake_held
from dogwatch.usecases.rules import known

__all__ = ["Maintenance"]


def page(tx: Tx, workspace_id: int) -> Sequence[Maintenance]:
    """Return all windows, oldest first."""
    return maintenance.of_workspace(tx, workspace_id)


def find(tx: Tx, workspace_id: int, maintenance_id: str) -> Maintenance:
    """Return a window or raise not_found."""
    found = maintenance.by_id(tx, workspace_id, maintenance_id)
    if found is None:
        raise Problem("not_found", f"there is no maintenance {maintenance_id!r}")
    return found


def silenced(
    tx: Tx, workspace_id: int, records: Sequence[Record], at: datetime
) -> Mapping[str, datetime]:
    """Return until when no alert opens of watches, by id, because of the windows open now."""
    open_ones = [
        (one, until_at)
        for one in maintenance.of_workspace(tx, workspace_id)
        if (until_at := one.open_until(at))
    ]
    found: dict[str, datetime] = {}
    for record in records:
        ends = [until_at for one, until_at in open_ones if one.scope.covers(*record.traits)]
        if ends:
            found[record.id] = max(ends)
    return found


def add(
    tx: Tx, workspace_id: int, name: str, scope: Scope, spec: WindowSpec, at: datetime
) -> Maintenance:
    """Add a window; a Problem names each bad field, and refuses what is over already."""
    check(spec, at)
    scope = known(tx, workspace_id, scope)
    one = Maintenance(workspace_id, new_id(at), name.strip(), scope, spec, at)
    maintenance.add(tx, one)
    return one


def change(
    tx: Tx, one: Maintenance, name: str, scope: Scope, spec: WindowSpec, at: datetime
) -> Maintenance:
    """Put other words in the place of those of a window; in a manifest if that keeps it."""
    keeping.refuse(tx, one.workspace_id, (keeping.MAINTENANCE, one.id), one.name)
    if spec != one.spec:
        check(spec, at)
    scope = known(tx, one.workspace_id, scope)
    changed = replace(one, name=name.strip(), scope=scope, spec=spec)
    maintenance.save(tx, changed)
    _apply(tx, one.workspace_id, at)
    return changed


def check(spec: WindowSpec, at: datetime) -> None:
    """Raise a Problem of each bad field of a window, or of one that is over already."""
    spec.window()
    if spec.end_at and spec.end_at <= at:
        raise invalid("window.end_at", "is over already; give a time to come")


def remove(tx: Tx, workspace_id: int, maintenance_id: str, at: datetime) -> None:
    """Delete a window; what is still down under it alerts now."""
    find(tx, workspace_id, maintenance_id)
    maintenance.remove(tx, workspace_id, maintenance_id)
    keeping.let_go(tx, workspace_id, (keeping.MAINTENANCE, maintenance_id))
    _apply(tx, workspace_id, at)


def _apply(tx: Tx, workspace_id: int, at: datetime) -> None:
    workspaces.get(tx, workspace_id, lock=True)
    wake_held(tx, workspace_id, Held.MAINTENANCE, at)
