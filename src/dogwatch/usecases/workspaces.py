"""Workspaces: made, named, given a plan, exported, removed."""

import json
from collections.abc import Generator, Sequence
from datetime import datetime, timedelta
from typing import get_args

from dogwatch.core.isolation import Least
from dogwatch.core.plans import plan_of
from dogwatch.core.problems import Problem, invalid
from dogwatch.ids import new_token
from dogwatch.store import audit_log, nodes, workspaces
from dogwatch.store.tx import Tx
from dogwatch.store.workspaces import Workspace

__all__ = ["Workspace"]

PING_KEY_BITS = 160
EXPORT, EXPORT_GOOD = "workspace.export", timedelta(hours=1)


def first(tx: Tx, at: datetime) -> Workspace:
    """Return the first workspace, made on an empty store."""
    found = workspaces.first(tx)
    if not found:  # one node makes it; another that starts at once waits here for that
        nodes.claim_fact(tx, "first_workspace", "made")
        found = workspaces.first(tx)
    return found or make(tx, "Default", at)


def make(tx: Tx, name: str, at: datetime) -> Workspace:
    """Make a workspace with a ping key of its own."""
    name, ping_key = _checked_name(name), new_token(PING_KEY_BITS)
    return Workspace(workspaces.add(tx, name, ping_key, at), name, ping_key, at)


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= 200 or not name.isprintable():
        raise invalid("name", "give 1 to 200 characters on one line")
    return name


def get(tx: Tx, workspace_id: int) -> Workspace:
    """Return one workspace."""
    found = workspaces.get(tx, workspace_id)
    if found is None:
        raise Problem("not_found", "there is no such workspace")
    return found


def found(tx: Tx, name: str | None) -> Workspace:
    """Return the workspace with this id or name, the first one for None."""
    every = workspaces.listed(tx)
    meant = [one for one in every if name in (None, str(one.id))]
    meant = meant[:1] or [one for one in every if one.name == name]
    if not meant:
        raise Problem("not_found", f"there is no workspace {name or 'yet'}")
    if len(meant) > 1:
        raise Problem(
            "conflict",
            f"{len(meant)} are named {name!r}; give the id of one: `dogwatch workspace ls`",
        )
    return meant[0]


def listed(tx: Tx) -> Sequence[Workspace]:
    """Return all workspaces, oldest first."""
    return workspaces.listed(tx)


def rename(tx: Tx, workspace_id: int, name: str) -> Workspace:
    """Give a workspace another name."""
    workspaces.change(tx, workspace_id, name=_checked_name(name))
    return get(tx, workspace_id)


def demand(tx: Tx, workspace_id: int, least: str) -> Workspace:
    """Have the scripts of a workspace run at this level of isolation or a higher one."""
    if least not in get_args(Least):
        raise invalid("least_isolation", f"use one of {', '.join(get_args(Least))}")
    workspaces.change(tx, workspace_id, least_isolation=least)
    return get(tx, workspace_id)


def assign(tx: Tx, workspace_id: int, plan: str) -> Workspace:
    """Put a workspace on another plan; what it has beyond that stays, but grows no more."""
    workspaces.change(tx, get(tx, workspace_id).id, plan=plan_of(plan).name)
    return get(tx, workspace_id)


def export(tx: Tx, workspace_id: int) -> Generator[str, None, None]:
    """Yield every row of a workspace as a line `["table", {column: value}]`, without secrets."""
    get(tx, workspace_id)
    for table, row in workspaces.rows(tx, workspace_id):
        yield json.dumps([table, row], separators=(",", ":"))


def remove(tx: Tx, workspace_id: int, name: str, at: datetime) -> Workspace:
    """Remove a workspace with everything in it; `name` must be its own, so that none goes by
    mistake. Problem("conflict") unless it was exported, as the audit log says, within an hour."""
    gone = get(tx, workspace_id)
    if name != gone.name:
        raise invalid("name", "repeat the name of the workspace that shall be gone for good")
    if not audit_log.noted(tx, workspace_id, EXPORT, at - EXPORT_GOOD):
        raise Problem(
            "conflict", "export this workspace first: it can be deleted within an hour of that"
        )
    workspaces.remove(tx, workspace_id)
    return gone
