"""Pings: the log of what was heard, in order of arrival."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, tuple_

from dogwatch.core.ping import Beat, Heard
from dogwatch.store.bulk import Bulk, Values
from dogwatch.store.tables import pings
from dogwatch.store.tx import Tx
from dogwatch.store.types import to_microseconds

SOUGHT = 20_000


def add_many(tx: Tx, heard: Sequence[tuple[int, str, Heard]]) -> None:
    """Append pings: (workspace id, watch id, what was heard)."""
    _INSERT.run(tx, [_row(*entry) for entry in heard])


_INSERT = Bulk(
    [column for column in pings.c if column.name != "id"],
    lambda new: insert(pings).from_select(list(new), select(*new.values())),
)


def _row(workspace_id: int, watch_id: str, heard: Heard) -> Values:
    """Return the values in the order of the table's columns."""
    return (
        workspace_id,
        watch_id,
        to_microseconds(heard.at),
        str(heard.kind),
        heard.exit_code,
        heard.rid,
        heard.duration_ms,
        heard.progress,
        heard.body,
        heard.body_bytes,
        heard.method,
        heard.scheme,
        heard.user_agent,
        heard.remote_ip,
    )


def listed(
    tx: Tx, workspace_id: int, watch_id: str, limit: int, before: int | None = None
) -> Sequence[dict[str, Any]]:
    """Return pings of a watch newest first, those older than id `before`, as plain rows."""
    found = select(pings).where(pings.c.workspace_id == workspace_id, pings.c.watch_id == watch_id)
    if before is not None:
        found = found.where(pings.c.id < before)
    return _rows(tx, found.order_by(pings.c.id.desc()).limit(limit))


def numbered(
    tx: Tx,
    workspace_id: int,
    watch_id: str,
    offset: int,
    limit: int,
    from_at: datetime | None = None,
    until_at: datetime | None = None,
) -> tuple[Sequence[dict[str, Any]], int]:
    """Return pings of a watch newest first from the `offset`th one on, and how many there are."""
    mine = [pings.c.workspace_id == workspace_id, pings.c.watch_id == watch_id]
    mine += [pings.c.at >= from_at] if from_at else []
    mine += [pings.c.at < until_at] if until_at else []
    found = select(pings).where(*mine).order_by(pings.c.id.desc()).offset(offset).limit(limit)
    total = tx.conn.scalar(select(func.count()).select_from(pings).where(*mine))
    return _rows(tx, found), int(total or 0)


def beats_before(tx: Tx, workspace_id: int, watch_id: str, before: int, limit: int) -> list[Beat]:
    """Return the last beats of a watch before ping `before`, oldest first."""
    mine = [pings.c.workspace_id == workspace_id, pings.c.watch_id == watch_id]
    found = select(pings.c.at, pings.c.kind, pings.c.rid).where(*mine, pings.c.id < before)
    rows = tx.conn.execute(found.order_by(pings.c.id.desc()).limit(limit)).all()
    return [Beat(*row) for row in reversed(rows)]


def newest(tx: Tx, workspace_id: int, watch_ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return the newest ping of each of these watches, as plain rows."""
    last = select(func.max(pings.c.id)).where(
        pings.c.workspace_id == workspace_id, pings.c.watch_id.in_(list(watch_ids))
    )
    rows = _rows(tx, select(pings).where(pings.c.id.in_(last.group_by(pings.c.watch_id))))
    return {row["watch_id"]: row for row in rows}


def counts(tx: Tx, workspace_id: int, watch_ids: Collection[str]) -> dict[str, int]:
    """Return how many pings are kept of each of these watches that has any."""
    found = (
        select(pings.c.watch_id, func.count())
        .where(pings.c.workspace_id == workspace_id, pings.c.watch_id.in_(list(watch_ids)))
        .group_by(pings.c.watch_id)
    )
    return {str(row[0]): int(row[1]) for row in tx.conn.execute(found)}


def said(
    tx: Tx, workspace_id: int, watch_id: str, rid: str | None, from_at: datetime, until_at: datetime
) -> Sequence[str]:
    """Return the texts that pings of one run came with, in order, of a watch's newest `SOUGHT`.

    There is no index by time, and nobody shall read a million pings for one text.
    """
    newest = select(pings.c.id, pings.c.at, pings.c.rid).where(
        pings.c.workspace_id == workspace_id, pings.c.watch_id == watch_id
    )
    few = newest.order_by(pings.c.id.desc()).limit(SOUGHT).subquery()
    mine = select(few.c.id).where(
        few.c.at.between(from_at, until_at), few.c.rid.is_not_distinct_from(rid)
    )
    found = select(pings.c.body).where(pings.c.id.in_(mine), pings.c.body != "")
    return list(tx.conn.scalars(found.order_by(pings.c.at, pings.c.id)))


def recorded(
    tx: Tx, keys: Collection[tuple[int, str]], times: Collection[datetime]
) -> set[tuple[int, str, datetime, str, str | None]]:
    """Return (workspace id, watch id, at, kind, rid) of the pings of these watches and times."""
    columns = (pings.c.workspace_id, pings.c.watch_id, pings.c.at, pings.c.kind, pings.c.rid)
    found = select(*columns).where(
        tuple_(pings.c.workspace_id, pings.c.watch_id).in_(list(keys)), pings.c.at.in_(times)
    )
    return {(row[0], row[1], row[2], row[3], row[4]) for row in tx.conn.execute(found)}


def _rows(tx: Tx, found: Any) -> Sequence[dict[str, Any]]:
    return [dict(row._mapping) for row in tx.conn.execute(found)]
