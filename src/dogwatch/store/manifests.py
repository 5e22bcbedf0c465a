"""Manifests: the files that were applied to a workspace, and the items that are kept in them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from dogwatch.store.tables import manifest_items, manifests
from dogwatch.store.tx import Tx


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
            manifest_items.c.workspace_id == manifests.c.workspace_id,
            manifest_items.c.manifest == manifests.c.name,
        )
        .scalar_subquery()
    )
    found = select(manifests, counted.label("items")).where(
        manifests.c.workspace_id == workspace_id
    )
    rows = tx.conn.execute(found.order_by(manifests.c.name))
    return [Manifest(**row._mapping) for row in rows]


def remove(tx: Tx, workspace_id: int, name: str) -> None:
    """Forget a file and what was kept in it; the items stay."""
    inside = manifest_items.c.workspace_id == workspace_id, manifest_items.c.manifest == name
    tx.conn.execute(delete(manifest_items).where(*inside))
    tx.conn.execute(delete(manifests).where(*_at(workspace_id, name)))


def kept(tx: Tx, workspace_id: int, watch_id: str) -> str | None:
    """Return the file that a watch is kept in."""
    found = select(manifest_items.c.manifest).where(*_of(workspace_id, [watch_id]))
    name: str | None = tx.conn.scalar(found)
    return name


def keep(tx: Tx, workspace_id: int, watch_ids: Collection[str], name: str) -> None:
    """Keep watches in a file, wherever they were kept before."""
    release(tx, workspace_id, watch_ids)
    rows = [
        {"workspace_id": workspace_id, "watch_id": one, "manifest": name}
        for one in sorted(watch_ids)
    ]
    if rows:
        tx.conn.execute(insert(manifest_items), rows)


def release(tx: Tx, workspace_id: int, watch_ids: Collection[str]) -> None:
    """Keep watches in no file."""
    tx.conn.execute(delete(manifest_items).where(*_of(workspace_id, watch_ids)))


def inside(tx: Tx, workspace_id: int) -> Mapping[str, str]:
    """Return the files of all watches that are kept in one, by watch id."""
    found = select(manifest_items.c.watch_id, manifest_items.c.manifest)
    rows = tx.conn.execute(found.where(manifest_items.c.workspace_id == workspace_id))
    return {row.watch_id: row.manifest for row in rows}


def _at(workspace_id: int, name: str) -> tuple[Any, Any]:
    return manifests.c.workspace_id == workspace_id, manifests.c.name == name


def _of(workspace_id: int, watch_ids: Collection[str]) -> tuple[Any, Any]:
    return (
        manifest_items.c.workspace_id == workspace_id,
        manifest_items.c.watch_id.in_(list(watch_ids)),
    )
