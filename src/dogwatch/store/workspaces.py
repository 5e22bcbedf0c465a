"""Workspaces: who owns what."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from dogwatch.core.isolation import Least
from dogwatch.ids import new_token
from dogwatch.store.backup import PAGE
from dogwatch.store.keys import TOPIC
from dogwatch.store.tables import audit_log, members, metadata, runs, users, workspaces
from dogwatch.store.tx import Tx
from dogwatch.store.wakes import SESSIONS


@dataclass(frozen=True, slots=True)
class Workspace:
    """One tenant; `ping_key` is the public key of pings by slug.

    Its scripts run at the level `least_isolation` or a higher one. `rules_version` is another one
    after each change of its rules and channels, drawn at random; "" was never changed.
    """

    id: int
    name: str
    ping_key: str
    created_at: datetime
    plan: str = "unlimited"
    least_isolation: Least = "trusted"
    rules_version: str = ""


def add(tx: Tx, name: str, ping_key: str, at: datetime) -> int:
    """Insert a workspace and return its id, which was never another's."""
    values = {"name": name, "ping_key": ping_key, "created_at": at}
    if tx.dialect == "sqlite":  # it would give the id of a removed one again, and its audit log
        values["id"] = 1 + max(
            _highest(tx, workspaces.c.id), _highest(tx, audit_log.c.workspace_id)
        )
    made = insert(workspaces).values(values)
    return int(tx.conn.execute(made.returning(workspaces.c.id)).scalar_one())


def _highest(tx: Tx, column: ColumnElement[int]) -> int:
    return int(tx.conn.scalar(select(func.max(column))) or 0)


def get(tx: Tx, workspace_id: int, *, lock: bool = False) -> Workspace | None:
    """Return one workspace."""
    row = tx.conn.execute(_LOCKED if lock else _FOUND, {"of_id": workspace_id}).first()
    return Workspace(**row._mapping) if row else None


_FOUND = select(workspaces).where(workspaces.c.id == bindparam("of_id"))
# Others may refer to a locked workspace meanwhile: a ping must not wait for its owner.
_LOCKED = _FOUND.with_for_update(key_share=True)


def first(tx: Tx) -> Workspace | None:
    """Return the oldest workspace, None on an empty store."""
    row = tx.conn.execute(select(workspaces).order_by(workspaces.c.id).limit(1)).first()
    return Workspace(**row._mapping) if row else None


def listed(tx: Tx) -> Sequence[Workspace]:
    """Return all workspaces, oldest first."""
    rows = tx.conn.execute(select(workspaces).order_by(workspaces.c.id))
    return [Workspace(**row._mapping) for row in rows]


def plans_but(tx: Tx, plan: str) -> dict[int, str]:
    """Return the plan's name of each workspace that has another one than `plan`."""
    return {row.id: row.plan for row in tx.conn.execute(_PLANS_BUT, {"name": plan})}


_PLANS_BUT = select(workspaces.c.id, workspaces.c.plan).where(
    workspaces.c.plan != bindparam("name")
)


def names(tx: Tx, ids: Collection[int]) -> dict[int, str]:
    """Return what these workspaces are called, by id."""
    rows = tx.conn.execute(_NAMES, {"ids": list(ids)}) if ids else ()
    return {row.id: row.name for row in rows}


_NAMES = select(workspaces.c.id, workspaces.c.name).where(
    workspaces.c.id.in_(bindparam("ids", expanding=True))
)


def demanding(tx: Tx) -> dict[int, Least]:
    """Return the isolation that workspaces demand, of those that demand more than others."""
    column = workspaces.c.least_isolation
    found = select(workspaces.c.id, column).where(column != "trusted")
    return {row.id: row.least_isolation for row in tx.conn.execute(found)}


def by_ping_keys(tx: Tx, ping_keys: Collection[str]) -> dict[str, Workspace]:
    """Return the workspaces behind these ping keys."""
    if not ping_keys:
        return {}
    rows = tx.conn.execute(select(workspaces).where(workspaces.c.ping_key.in_(ping_keys)))
    return {row.ping_key: Workspace(**row._mapping) for row in rows}


def change(tx: Tx, workspace_id: int, **values: str) -> None:
    """Set the name, the plan or the isolation."""
    tx.conn.execute(update(workspaces).where(workspaces.c.id == workspace_id).values(**values))


def rules_changed(tx: Tx, workspace_id: int) -> None:
    """Have whoever kept the rules and channels of a workspace read them anew."""
    change(tx, workspace_id, rules_version=new_token(_VERSION_BITS))


_VERSION_BITS = 96


def rows(tx: Tx, workspace_id: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each row of a workspace with its table's name, as plain JSON values.

    What is binary is left out: hashes and what is sealed; so are answers kept to be sent again,
    and what only the admin of the host may know.
    """
    yield from _plain(tx, workspaces, workspaces.c.id == workspace_id)
    who = select(members.c.user_id).where(members.c.workspace_id == workspace_id)
    people = select(users.c.id, users.c.email, users.c.name).where(users.c.id.in_(who))
    for row in tx.conn.execute(people):
        yield "users", dict(row._mapping)
    for table in metadata.sorted_tables:
        if "workspace_id" in table.c and table.name not in _NOT_EXPORTED:
            yield from _plain(tx, table, table.c.workspace_id == workspace_id)


_NOT_EXPORTED = frozenset({"idempotency", "tasks"})
_PRIVATE = runs.c.detail


def _plain(
    tx: Tx, table: Table, chosen: ColumnElement[bool]
) -> Iterator[tuple[str, dict[str, Any]]]:
    shown = [
        one for one in table.c if not isinstance(one.type, LargeBinary) and one is not _PRIVATE
    ]
    found = select(*shown).where(chosen)  # sorted, it would be held in memory as a whole
    pages = {"yield_per": PAGE}
    with tx.conn.execute(
        found, execution_options=pages
    ) as result:  # closed also where its reader breaks off
        for row in result:
            values = row._mapping.items()
            yield table.name, {name: _value(value) for name, value in values}


def _value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def remove(tx: Tx, workspace_id: int) -> None:
    """Remove a workspace with everything in it; the audit log stays."""
    tx.wake(TOPIC)
    tx.wake(SESSIONS)
    for table in reversed(metadata.sorted_tables):
        if "workspace_id" in table.c and table.name != "audit_log":
            tx.conn.execute(delete(table).where(table.c.workspace_id == workspace_id))
    tx.conn.execute(delete(workspaces).where(workspaces.c.id == workspace_id))
