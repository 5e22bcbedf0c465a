"""The audit log: appended and read, never changed; the database itself refuses that."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select

from dogwatch.store.tables import audit_log
from dogwatch.store.tx import Tx
from dogwatch.store.wakes import page_of


@dataclass(frozen=True, slots=True)
class Entry:
    """Who did what to what: `id` is 0 before it is written, `workspace_id` None for the instance.

    `actor_kind` is key, user, host (somebody with a shell there) or anonymous.
    """

    workspace_id: int | None
    at: datetime
    actor_kind: str
    actor_id: str | None
    actor: str
    operation: str
    object: str
    detail: Any
    remote_ip: str
    id: int = 0


def add(tx: Tx, entry: Entry) -> None:
    """Append an entry."""
    values = {name: getattr(entry, name) for name in Entry.__slots__ if name != "id"}
    tx.conn.execute(insert(audit_log).values(**values))
    tx.wake(page_of(entry.workspace_id))


def page(tx: Tx, workspace_id: int | None, size: int, before: int | None) -> Sequence[Entry]:
    """Return entries, newest first, of a workspace, or of the whole instance for None."""
    found = select(audit_log).order_by(audit_log.c.id.desc()).limit(size)
    if workspace_id is not None:
        found = found.where(audit_log.c.workspace_id == workspace_id)
    if before is not None:
        found = found.where(audit_log.c.id < before)
    return [Entry(**row._mapping) for row in tx.conn.execute(found)]


def last_at(tx: Tx, operation: str) -> datetime | None:
    """Return when something was last done to the instance."""
    mine = (audit_log.c.workspace_id.is_(None), audit_log.c.operation == operation)
    at: datetime | None = tx.conn.scalar(select(func.max(audit_log.c.at)).where(*mine))
    return at


def noted(tx: Tx, workspace_id: int, operation: str, since_at: datetime) -> bool:
    """Whether a workspace has an entry of an operation since then."""
    found = select(audit_log.c.id).where(
        audit_log.c.workspace_id == workspace_id,
        audit_log.c.operation == operation,
        audit_log.c.at >= since_at,
    )
    return tx.conn.execute(found.limit(1)).first() is not None


def since(
    tx: Tx, workspace_id: int, from_at: datetime, until_at: datetime,
    operations: Collection[str], size: int,
) -> Sequence[Entry]:  # fmt: skip
    """Return what was done of some kinds in a stretch of time, newest first."""
    found = select(audit_log).where(
        audit_log.c.workspace_id == workspace_id,
        audit_log.c.at.between(from_at, until_at),
        audit_log.c.operation.in_(list(operations)),
    )
    found = found.order_by(audit_log.c.at.desc(), audit_log.c.id.desc()).limit(size)
    return [Entry(**row._mapping) for row in tx.conn.execute(found)]
