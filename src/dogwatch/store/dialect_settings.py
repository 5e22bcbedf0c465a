"""What only a dialect has fields for, of a workspace as a whole."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, select

from dogwatch.store.tables import dialect_settings
from dogwatch.store.tx import Tx


def get(tx: Tx, workspace_id: int, dialect: str) -> Mapping[str, Any]:
    """Return what was said in a dialect; nothing was: {}."""
    found = select(dialect_settings.c.said).where(*_own(workspace_id, dialect))
    said: Mapping[str, Any] | None = tx.conn.scalar(found)
    return said or {}


def put(tx: Tx, workspace_id: int, dialect: str, said: Mapping[str, Any]) -> None:
    """Replace what was said in a dialect; its workspace is locked."""
    tx.conn.execute(delete(dialect_settings).where(*_own(workspace_id, dialect)))
    new = insert(dialect_settings).values(
        workspace_id=workspace_id, dialect=dialect, said=dict(said)
    )
    tx.conn.execute(new)


def _own(workspace_id: int, dialect: str) -> Sequence[ColumnElement[bool]]:
    table = dialect_settings.c
    return table.workspace_id == workspace_id, table.dialect == dialect
