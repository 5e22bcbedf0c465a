"""Manifests: the files that were applied to a workspace, and what is kept in them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Column, Table, delete, func, insert, select, tuple_, update

from dogwatch.store import tables
from dogwatch.store.tables import manifest_things, manifests
from dogwatch.store.tx import Tx

Thing = tuple[str, str]
"""A kind, such as channel, and an id; the key of a variable."""
ITEM = "item"
# So many at once: a statement has no more parameters than a database takes.
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Manifest:
    """A file by its name; `fault` is why it was refused when it was applied last, "" if it was not.

    `items`: how many are kept in it. `applied_at` is None until it was good once.
    """

    workspace_id: int
    name: str
    applied_at: datetime | None
    applied_by: str
    fault: str = ""
    fault_at: datetime | None = None
    items: int = 0


_OWN = ("applied_at", "applied_by", "fault", "fault_at")


def put(tx: Tx, manifest: Manifest) -> None:
    """Write what is known of a file, which may be there already."""
    values: dict[str, Any] = {name: getattr(manifest, name) for name in _OWN}
    here = _at(manifest.workspace_id, manifest.name)
    if not tx.conn.execute(update(manifests).where(*here).values(**values)).rowcount:
        key = {"workspace_id": manifest.workspace_id, "name": manifest.name}
        tx.conn.execute(insert(manifests).values(**key, **values))


def get(tx: Tx, workspace_id: int, name: str) -> Manifest | None:
    """Return a file by its name."""
    return next((one for one in listed(tx, workspace_id) if one.name == name), None)


def listed(tx: Tx, workspace_id: int) -> Sequence[Manifest]:
    """Return all files of a workspace, by name."""
    counted = (
        select(func.count())
        .where(
            manifest_things.c.workspace_id == manifests.c.workspace_id,
            manifest_things.c.manifest == manifests.c.name,
            manifest_things.c.kind == ITEM,
        )
        .scalar_subquery()
    )
    found = select(manifests, counted.label("items")).where(
        manifests.c.workspace_id == workspace_id
    )
    rows = tx.conn.execute(found.order_by(manifests.c.name))
    return [Manifest(**row._mapping) for row in rows]


def remove(tx: Tx, workspace_id: int, name: str) -> None:
    """Forget a file and what was kept in it; all of that stays."""
    inside = manifest_things.c.workspace_id == workspace_id, manifest_things.c.manifest == name
    tx.conn.execute(delete(manifest_things).where(*inside))
    tx.conn.execute(delete(manifests).where(*_at(workspace_id, name)))


def kept(tx: Tx, workspace_id: int, thing: Thing) -> str | None:
    """Return the file that a thing is kept in."""
    found = select(manifest_things.c.manifest).where(*_of(workspace_id, [thing]))
    name: str | None = tx.conn.scalar(found)
    return name


def keep(tx: Tx, workspace_id: int, things: Collection[Thing], name: str) -> None:
    """Keep things in a file, wherever they were kept before."""
    release(tx, workspace_id, things)
    rows = [
        {"workspace_id": workspace_id, "kind": kind, "thing": own, "manifest": name}
        for kind, own in sorted(things)
    ]
    if rows:
        tx.conn.execute(insert(manifest_things), rows)


def release(tx: Tx, workspace_id: int, things: Collection[Thing]) -> int:
    """Keep things in no file; return how many were kept in one."""
    every, gone = sorted(things), 0
    for start in range(0, len(every), _BATCH):
        some = _of(workspace_id, every[start : start + _BATCH])
        gone += tx.conn.execute(delete(manifest_things).where(*some)).rowcount
    return gone


def all_kept(tx: Tx, workspace_id: int, *, items: bool = True) -> Mapping[Thing, str]:
    """Return the files of all things that are kept in one; without `items` of all others."""
    found = select(manifest_things.c.kind, manifest_things.c.thing, manifest_things.c.manifest)
    found = found.where(manifest_things.c.workspace_id == workspace_id)
    rows = tx.conn.execute(found if items else found.where(manifest_things.c.kind != ITEM))
    return {(row.kind, row.thing): row.manifest for row in rows}


# What was said of a workspace, and nothing that changes by itself, such as a state.
_WATCH = (
    "slug", "name", "description", "kind", "tags", "project", "schedule", "timezone", "starts_at",
    "start_by_s", "finish_by_s", "slow_after_ms", "min_duration_ms", "early_s",
    "failures_before_down", "successes_before_up",
)  # fmt: skip
_JOB = (
    "action_kind", "action", "overlap", "catch_up", "catch_up_max", "catch_up_window_s",
    "max_attempts", "backoff_s", "lost_run", "priority", "max_runs", "reset_on_resume", "actions",
    "concurrency_key", "concurrency_limit",
)  # fmt: skip
_SAID: Sequence[tuple[Table, Sequence[str]]] = (
    (tables.watches, _WATCH),
    (tables.jobs, _JOB),
    (tables.workflows, ("version", "hook_hash")),
    (tables.dependencies, ()),
    (tables.channels, ("name", "kind", "sealed", "disabled_reason", "group_window_s", "key")),
    (tables.rules, ("channel_id", "events", "scope", "timing")),
    (tables.maintenance, ("name", "scope", "spec")),
    (tables.variables, ("sealed", "description")),
    (tables.status_pages, ("slug", "title", "description", "public", "items")),
    (tables.projects, ("label", "name", "url")),
    (manifest_things, ("manifest",)),
)


def stamp(tx: Tx, workspace_id: int, *, lock: bool = False) -> bytes:
    """Return a digest of all that was said of a workspace: another after any change of it.

    With `lock`, nobody else changes what it was taken of until this transaction ends; pings of
    the watches go on.
    """
    digest = sha256()
    for table, names in _SAID:
        key: list[Column[Any]] = [one for one in table.primary_key if one.name != "workspace_id"]
        found = select(*key, *(table.c[name] for name in names))
        found = found.where(table.c.workspace_id == workspace_id).order_by(*key)
        if lock:
            found = found.with_for_update(read=True, key_share=table is tables.watches)
        rows = tx.conn.execute(found)
        digest.update(repr([tuple(row) for row in rows]).encode())
    return digest.digest()


def _at(workspace_id: int, name: str) -> tuple[Any, Any]:
    return manifests.c.workspace_id == workspace_id, manifests.c.name == name


def _of(workspace_id: int, things: Collection[Thing]) -> tuple[Any, Any]:
    return (
        manifest_things.c.workspace_id == workspace_id,
        tuple_(manifest_things.c.kind, manifest_things.c.thing).in_(list(things)),
    )
