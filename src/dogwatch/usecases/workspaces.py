"""Workspaces: made, named, given a plan, removed."""

from datetime import datetime

from dogwatch.ids import new_token
from dogwatch.store import nodes, workspaces
from dogwatch.store.tx import Tx
from dogwatch.store.workspaces import Workspace

PING_KEY_BITS = 160


def first(tx: Tx, at: datetime) -> Workspace:
    """Return the first workspace, made on an empty store."""
    found = workspaces.first(tx)
    if not found:  # one node makes it; another that starts at once waits here for that
        nodes.claim_fact(tx, "first_workspace", "made")
        found = workspaces.first(tx)
    return found or make(tx, "Default", at)


def make(tx: Tx, name: str, at: datetime) -> Workspace:
    """Make a workspace with a ping key of its own."""
    ping_key = new_token(PING_KEY_BITS)
    return Workspace(workspaces.add(tx, name, ping_key, at), name, ping_key, at)
