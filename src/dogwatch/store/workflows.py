"""Workflows: the present version of each, all that were saved, and the keys of their webhooks."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, tuple_, update

from dogwatch.store.tables import workflow_versions, workflows
from dogwatch.store.tx import Tx

Key = tuple[int, str]
VersionKey = tuple[int, str, int]


@dataclass(frozen=True, slots=True)
class WorkflowRow:
    """A workflow; `hook` is the sealed key of its webhook, if it has one."""

    workspace_id: int
    watch_id: str
    version: int
    hook: bytes | None = None


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A definition as it was saved, as JSON, with its jobs by id."""

    workspace_id: int
    watch_id: str
    number: int
    definition: Mapping[str, Any]
    made_at: datetime
    made_by: str


def add(tx: Tx, row: WorkflowRow) -> None:
    """Insert a workflow; its version is saved by `save`."""
    values = {"workspace_id": row.workspace_id, "watch_id": row.watch_id, "version": row.version}
    tx.conn.execute(insert(workflows).values(values))


def save(tx: Tx, version: VersionRow) -> None:
    """Keep a version and make it the present one."""
    values = {name: getattr(version, name) for name in VersionRow.__slots__}
    tx.conn.execute(insert(workflow_versions).values(values))
    change = update(workflows).where(*_of(version.workspace_id, version.watch_id))
    tx.conn.execute(change.values(version=version.number))


def by_watch(tx: Tx, workspace_id: int, watch_id: str) -> WorkflowRow | None:
    """Return the workflow of a watch."""
    return by_watches(tx, [(workspace_id, watch_id)]).get((workspace_id, watch_id))


def by_watches(tx: Tx, keys: Collection[Key]) -> dict[Key, WorkflowRow]:
    """Return the workflows of these (workspace id, watch id)."""
    rows = tx.conn.execute(_BY_WATCHES, {"keys": list(keys)}) if keys else ()
    return {
        (row.workspace_id, row.watch_id): WorkflowRow(
            row.workspace_id, row.watch_id, row.version, row.hook
        )
        for row in rows
    }


_BY_WATCHES = select(workflows).where(
    tuple_(workflows.c.workspace_id, workflows.c.watch_id).in_(bindparam("keys", expanding=True))
)


def versions(tx: Tx, keys: Collection[VersionKey]) -> dict[VersionKey, VersionRow]:
    """Return the versions of these (workspace id, watch id, number)."""
    rows = tx.conn.execute(_VERSIONS, {"keys": list(keys)}) if keys else ()
    found = [VersionRow(**row._mapping) for row in rows]
    return {(one.workspace_id, one.watch_id, one.number): one for one in found}


_VERSIONS = select(workflow_versions).where(
    tuple_(
        workflow_versions.c.workspace_id,
        workflow_versions.c.watch_id,
        workflow_versions.c.number,
    ).in_(bindparam("keys", expanding=True))
)


def versions_of(
    tx: Tx, workspace_id: int, watch_id: str, limit: int, before: int | None = None
) -> Sequence[VersionRow]:
    """Return the versions of a workflow, the newest first, older than number `before`."""
    found = select(workflow_versions).where(
        workflow_versions.c.workspace_id == workspace_id,
        workflow_versions.c.watch_id == watch_id,
    )
    if before is not None:
        found = found.where(workflow_versions.c.number < before)
    found = found.order_by(workflow_versions.c.number.desc()).limit(limit)
    return [VersionRow(**row._mapping) for row in tx.conn.execute(found)]


def set_hook(
    tx: Tx, workspace_id: int, watch_id: str, hashed: bytes | None, sealed: bytes | None
) -> None:
    """Set the key of a webhook, or take it away; IntegrityError where another has it."""
    change = update(workflows).where(*_of(workspace_id, watch_id))
    tx.conn.execute(change.values(hook_hash=hashed, hook=sealed))


def by_hook(tx: Tx, hashed: bytes) -> Key | None:
    """Return the (workspace id, watch id) of the workflow that a key starts."""
    found = select(workflows.c.workspace_id, workflows.c.watch_id)
    row = tx.conn.execute(found.where(workflows.c.hook_hash == hashed)).first()
    return (row.workspace_id, row.watch_id) if row else None


def _of(workspace_id: int, watch_id: str) -> tuple[Any, Any]:
    return workflows.c.workspace_id == workspace_id, workflows.c.watch_id == watch_id
