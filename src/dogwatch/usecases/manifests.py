"""Manifests: which files were applied to a workspace, and which items are kept in them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from dogwatch.core.problems import Problem, invalid
from dogwatch.store import manifests, workspaces
from dogwatch.store.manifests import Manifest
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases import watches

__all__ = ["Manifest"]

NAME_LENGTH = 200
FAULT_LENGTH = 4_000


def check_name(name: str) -> str:
    """Return the name of a file, tidied."""
    name = name.strip()
    if not (1 <= len(name) <= NAME_LENGTH and name.isprintable()):
        raise invalid("name", f"give 1 to {NAME_LENGTH} characters on one line")
    return name


def listed(tx: Tx, workspace_id: int) -> Sequence[Manifest]:
    """Return the files that were applied, by name."""
    return manifests.listed(tx, workspace_id)


def find(tx: Tx, workspace_id: int, name: str) -> Manifest:
    """Return a file or raise not_found."""
    found = manifests.get(tx, workspace_id, name)
    if found is None:
        raise Problem("not_found", f"no file {name[:NAME_LENGTH]!r} was applied")
    return found


def is_known(tx: Tx, workspace_id: int, name: str) -> bool:
    """Whether a file was applied, or tried on the page."""
    return manifests.get(tx, workspace_id, name) is not None


def kept_in(tx: Tx, record: Record) -> str | None:
    """Return the name of the file that a watch is kept in."""
    return manifests.kept(tx, *record.key)


def inside(tx: Tx, workspace_id: int, name: str) -> Collection[str]:
    """Return the ids of the watches that are kept in a file."""
    found: Mapping[str, str] = manifests.inside(tx, workspace_id)
    return [own for own, file in found.items() if file == name]


def release(tx: Tx, record: Record) -> Record:
    """Keep a watch in no file: it is changed here from now on."""
    manifests.release(tx, record.workspace_id, [record.id])
    return record


def forget(tx: Tx, workspace_id: int, name: str) -> None:
    """Forget a file; what was kept in it stays, and is changed here from now on."""
    manifests.remove(tx, workspace_id, find(tx, workspace_id, name).name)


def note(
    tx: Tx, workspace_id: int, name: str, watch_ids: Collection[str], by: str, at: datetime
) -> None:
    """Note that a file was applied, and that these watches are kept in it."""
    manifests.put(tx, Manifest(workspace_id, name, at, by[:255]))
    gone = set(inside(tx, workspace_id, name)) - set(watch_ids)
    manifests.release(tx, workspace_id, gone)
    manifests.keep(tx, workspace_id, watch_ids, name)


def note_fault(tx: Tx, workspace_id: int, name: str, fault: str, at: datetime) -> None:
    """Note why a file was refused; what was applied before holds on."""
    before = manifests.get(tx, workspace_id, name) or Manifest(workspace_id, name, None, "")
    manifests.put(tx, replace(before, fault=fault[:FAULT_LENGTH], fault_at=at))


def lock(tx: Tx, workspace_id: int) -> None:
    """Let files be applied to a workspace one after the other."""
    workspaces.get(tx, workspace_id, lock=True)


def left_out(tx: Tx, workspace_id: int, name: str, slugs: Collection[str]) -> Sequence[Record]:
    """Return the watches that were kept in a file which names these alone now, by slug."""
    found = watches.of_ids(tx, workspace_id, inside(tx, workspace_id, name)).values()
    gone = [one for one in found if not {one.id, one.slug} & set(slugs)]
    return sorted(gone, key=lambda one: one.slug)


def prune(tx: Tx, records: Sequence[Record]) -> None:
    """Delete watches that were kept in a file which names them no longer."""
    for one in records:
        watches.remove(tx, watches.find(tx, one.workspace_id, one.id, lock=True))
