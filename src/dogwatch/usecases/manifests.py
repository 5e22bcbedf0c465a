"""Manifests: which files were applied to a workspace, and what is kept in them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from dogwatch.core.problems import Problem, invalid
from dogwatch.store import manifests, workspaces
from dogwatch.store.manifests import ITEM, Manifest, Thing
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases import keeping

__all__ = ["ITEM", "Manifest", "Thing"]

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
    return manifests.kept(tx, record.workspace_id, (ITEM, record.id))


def all_kept(tx: Tx, workspace_id: int) -> Mapping[Thing, str]:
    """Return the files of all things that are kept in one."""
    return manifests.all_kept(tx, workspace_id)


def kept_things(tx: Tx, workspace_id: int) -> Mapping[Thing, str]:
    """Return the files of all things but items that are kept in one."""
    return manifests.all_kept(tx, workspace_id, items=False)


def release(tx: Tx, record: Record) -> Record:
    """Keep a watch in no file: it is changed here from now on."""
    keeping.let_go(tx, record.workspace_id, (ITEM, record.id))
    return record


def release_thing(tx: Tx, workspace_id: int, thing: Thing) -> None:
    """Keep something else in no file, or raise not_found."""
    if not keeping.let_go(tx, workspace_id, thing):
        raise Problem("not_found", f"there is no {thing[0]} {thing[1]!r} that a file keeps")


def free(tx: Tx, workspace_id: int, things: Collection[Thing]) -> None:
    """Keep things in no file while a file is applied that changes them."""
    manifests.release(tx, workspace_id, things)


def forget(tx: Tx, workspace_id: int, name: str) -> None:
    """Forget a file; what was kept in it stays, and is changed here from now on."""
    manifests.remove(tx, workspace_id, find(tx, workspace_id, name).name)


def note(
    tx: Tx, workspace_id: int, name: str, things: Collection[Thing], by: str, at: datetime
) -> None:
    """Note that a file was applied, and that these things are kept in it."""
    manifests.put(tx, Manifest(workspace_id, name, at, by[:255]))
    before = manifests.all_kept(tx, workspace_id)
    now = {thing for thing, file in before.items() if file == name}
    manifests.release(tx, workspace_id, now - set(things))
    manifests.keep(tx, workspace_id, set(things) - now, name)


def note_fault(tx: Tx, workspace_id: int, name: str, fault: str, at: datetime) -> None:
    """Note why a file was refused; what was applied before holds on."""
    before = manifests.get(tx, workspace_id, name) or Manifest(workspace_id, name, None, "")
    manifests.put(tx, replace(before, fault=fault[:FAULT_LENGTH], fault_at=at))


def stamp(tx: Tx, workspace_id: int, *, lock: bool = False) -> bytes:
    """Return a digest of all that was said of a workspace: another after any change of it."""
    return manifests.stamp(tx, workspace_id, lock=lock)


def lock(tx: Tx, workspace_id: int) -> None:
    """Let files be applied to a workspace one after the other."""
    workspaces.get(tx, workspace_id, lock=True)
