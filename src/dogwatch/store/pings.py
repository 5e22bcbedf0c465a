"""Pings: the log of what was heard, in order of arrival."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select

from dogwatch.core.ping import Heard
from dogwatch.store.tables import pings
from dogwatch.store.tx import Tx


def add_many(tx: Tx, heard: Sequence[tuple[int, str, Heard]]) -> None:
    """Append pings: (workspace id, watch id, what was heard)."""
    rows = [_row(*entry) for entry in heard]
    if rows:
        tx.conn.execute(insert(pings), rows)


def _row(workspace_id: int, watch_id: str, heard: Heard) -> dict[str, Any]:
    return {
        "workspace_id": workspace_id,
        "watch_id": watch_id,
        "at": heard.at,
        "kind": str(heard.kind),
        "exit_code": heard.exit_code,
        "rid": heard.rid,
        "body": heard.body,
        "body_bytes": heard.body_bytes,
        "method": heard.method,
        "scheme": heard.scheme,
        "user_agent": heard.user_agent,
        "remote_ip": heard.remote_ip,
    }


def listed(
    tx: Tx, workspace_id: int, watch_id: str, limit: int, before: int | None = None
) -> Sequence[dict[str, Any]]:
    """Return pings of a watch newest first, those older than id `before`, as plain rows."""
    found = select(pings).where(pings.c.workspace_id == workspace_id, pings.c.watch_id == watch_id)
    if before is not None:
        found = found.where(pings.c.id < before)
    return _rows(tx, found.order_by(pings.c.id.desc()).limit(limit))


def last_body(tx: Tx, workspace_id: int, watch_id: str, since_at: datetime) -> str:
    """Return the body of the newest ping since `since_at`, empty if there is none."""
    found = (
        select(pings.c.body)
        .where(
            pings.c.workspace_id == workspace_id,
            pings.c.watch_id == watch_id,
            pings.c.at >= since_at,
        )
        .order_by(pings.c.id.desc())
        .limit(1)
    )
    return tx.conn.scalar(found) or ""


def _rows(tx: Tx, found: Any) -> Sequence[dict[str, Any]]:
    return [dict(row._mapping) for row in tx.conn.execute(found)]
