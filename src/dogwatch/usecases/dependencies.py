"""Dependencies: while a watch is down, those that depend on it open no alerts."""

from collections.abc import Sequence
from datetime import datetime
from typing import NoReturn

from dogwatch.core.decision import Held
from dogwatch.core.dependencies import cycle
from dogwatch.core.problems import invalid
from dogwatch.store import dependencies, watches, workspaces
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases.holding import wake_held
from dogwatch.usecases.watches import find, refuse_kept

MOST_PARENTS = 20


def parents_of(tx: Tx, workspace_id: int, name: str) -> list[Record]:
    """Return the watches that a watch depends on, by slug."""
    record = find(tx, workspace_id, name)
    ids = dependencies.graph(tx, workspace_id).get(record.id, set())
    return sorted(watches.look(tx, workspace_id, ids).values(), key=lambda one: one.slug)


def parents(tx: Tx, workspace_id: int) -> dict[str, list[str]]:
    """Return the slugs of the parents of each watch that has any, by its id."""
    found = dependencies.graph(tx, workspace_id)
    known = watches.look(tx, workspace_id, set().union(*found.values()))
    return {own: sorted(known[one].slug for one in ids) for own, ids in found.items()}


def set_parents(
    tx: Tx, workspace_id: int, name: str, parents: Sequence[str], at: datetime
) -> list[Record]:
    """Have a watch depend on these alone, by id or slug; a cycle is refused with its path."""
    if len(parents) > MOST_PARENTS:
        raise invalid("parents", f"at most {MOST_PARENTS}")
    workspaces.get(tx, workspace_id, lock=True)
    record = find(tx, workspace_id, name)
    refuse_kept(tx, record)
    ids = {_parent_id(tx, workspace_id, parent) for parent in parents}
    graph = dependencies.graph(tx, workspace_id)
    if path := cycle(graph, record.id, ids):
        _refuse(tx, workspace_id, path)
    dependencies.replace_parents(tx, workspace_id, record.id, ids)
    wake_held(tx, workspace_id, Held.PARENT, at)
    return parents_of(tx, workspace_id, record.id)


def _parent_id(tx: Tx, workspace_id: int, name: str) -> str:
    record = watches.by_name(tx, workspace_id, name)
    if record is None:
        raise invalid("parents", f"there is no watch {name!r}")
    return record.id


def _refuse(tx: Tx, workspace_id: int, path: Sequence[str]) -> NoReturn:
    known = watches.look(tx, workspace_id, set(path))
    told = " → ".join(known[one].slug for one in path)
    raise invalid("parents", f"they would depend on each other in a circle: {told}")
