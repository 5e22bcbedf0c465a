"""What was done by whom: noted in the transaction that did it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dogwatch.store import audit_log
from dogwatch.store.audit_log import Entry
from dogwatch.store.tx import Tx
from dogwatch.usecases.callers import Caller

__all__ = ["Entry", "note", "page"]

_OBJECT_LENGTH = 255


def note(
    tx: Tx,
    caller: Caller,
    operation: str,
    object: str,  # noqa: A002  (the word that users see)
    at: datetime,
    detail: Mapping[str, Any] | None = None,
    *,
    instance: bool = False,
) -> None:
    """Append that `caller` did `operation` to `object`; `detail` must hold no secret."""
    audit_log.add(
        tx,
        Entry(
            workspace_id=None if instance else caller.workspace_id,
            at=at,
            actor_kind=caller.kind,
            actor_id=caller.id,
            actor=caller.name[:_OBJECT_LENGTH],
            operation=operation,
            object=object[:_OBJECT_LENGTH],
            detail=dict(detail or {}),
            remote_ip=caller.remote_ip,
        ),
    )


def page(tx: Tx, workspace_id: int | None, size: int, before: int | None = None) -> Sequence[Entry]:
    """Return entries, newest first, of a workspace, or of the whole instance for None."""
    return audit_log.page(tx, workspace_id, size, before)
