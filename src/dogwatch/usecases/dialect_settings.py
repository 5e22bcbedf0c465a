"""What only a dialect has fields for, of a workspace as a whole."""

from collections.abc import Mapping
from typing import Any

from dogwatch.store import dialect_settings, workspaces
from dogwatch.store.tx import Tx


def get(tx: Tx, workspace_id: int, dialect: str, *, lock: bool = False) -> Mapping[str, Any]:
    """Return what was said in a dialect; with `lock`, nobody else says more meanwhile."""
    if lock:
        workspaces.get(tx, workspace_id, lock=True)
    return dialect_settings.get(tx, workspace_id, dialect)


def put(tx: Tx, workspace_id: int, dialect: str, said: Mapping[str, Any]) -> None:
    """Replace what was said in a dialect."""
    workspaces.get(tx, workspace_id, lock=True)
    dialect_settings.put(tx, workspace_id, dialect, said)
