"""Flips: every change of a watch's status, the only cause of alerts."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, insert, select

from dogwatch.core.data import data
from dogwatch.store.bulk import Bulk, Values
from dogwatch.store.tables import flips, watches
from dogwatch.store.tx import Tx
from dogwatch.store.types import to_microseconds
from dogwatch.store.wakes import page_of


@data()
class FlipRow:
    """One stored flip."""

    workspace_id: int
    id: str
    watch_id: str
    at: datetime
    from_status: str
    to_status: str
    reason: str


def add_many(tx: Tx, new: Sequence[FlipRow]) -> None:
    """Insert flips."""
    _ADD.run(tx, [_values(flip) for flip in new])
    for workspace_id in {flip.workspace_id for flip in new}:
        tx.wake(page_of(workspace_id))


_ADD = Bulk(list(flips.c), lambda new: insert(flips).from_select(list(new), select(*new.values())))


def _values(flip: FlipRow) -> Values:
    return (
        flip.workspace_id, flip.id, flip.watch_id, to_microseconds(flip.at), flip.from_status,
        flip.to_status, flip.reason,
    )  # fmt: skip


def listed(
    tx: Tx, workspace_id: int, limit: int, before: str = "", **filters: Any
) -> Sequence[FlipRow]:
    """Return flips newest first, older than id `before`; filters by column."""
    found = select(flips).where(flips.c.workspace_id == workspace_id)
    if before:
        found = found.where(flips.c.id < before)
    for column, value in filters.items():
        found = found.where(flips.c[column] == value)
    rows = tx.conn.execute(found.order_by(flips.c.id.desc()).limit(limit))
    return [FlipRow(**row._mapping) for row in rows]


def since(
    tx: Tx, workspace_id: int, watch_ids: Collection[str], at: datetime, limit: int
) -> Sequence[FlipRow]:
    """Return the flips of these watches from `at` on, newest first."""
    found = select(flips).where(
        flips.c.workspace_id == workspace_id,
        flips.c.watch_id.in_(list(watch_ids)),
        flips.c.at >= at,
    )
    rows = tx.conn.execute(found.order_by(flips.c.at.desc(), flips.c.id.desc()).limit(limit))
    return [FlipRow(**row._mapping) for row in rows]


class Last(NamedTuple):
    """The last flip of a watch."""

    id: str
    from_status: str
    to_status: str


def before(
    tx: Tx, workspace_id: int, watch_ids: Collection[str], but: Collection[str]
) -> dict[str, Last]:
    """Return the last flip of each watch, those in `but` left out, by watch id."""
    given = {"workspace": workspace_id, "watches": list(watch_ids), "but": list(but)}
    last = {row.flip_id: row.id for row in tx.conn.execute(_LAST, given) if row.flip_id}
    states = {"workspace": workspace_id, "ids": list(last)}
    return {last[row.id]: Last(*row) for row in tx.conn.execute(_STATES, states)}


_LAST = select(
    watches.c.id,
    select(flips.c.id)
    .where(
        flips.c.workspace_id == watches.c.workspace_id,
        flips.c.watch_id == watches.c.id,
        flips.c.id.not_in(bindparam("but", expanding=True)),
    )
    .order_by(flips.c.id.desc())
    .limit(1)
    .scalar_subquery()
    .label("flip_id"),
).where(
    watches.c.workspace_id == bindparam("workspace"),
    watches.c.id.in_(bindparam("watches", expanding=True)),
)
_STATES = select(flips.c.id, flips.c.from_status, flips.c.to_status).where(
    flips.c.workspace_id == bindparam("workspace"),
    flips.c.id.in_(bindparam("ids", expanding=True)),
)


def reasons(tx: Tx, workspace_id: int, ids: Collection[str]) -> dict[str, str]:
    """Return why these flips came about, by id."""
    found = select(flips.c.id, flips.c.reason).where(
        flips.c.workspace_id == workspace_id, flips.c.id.in_(ids)
    )
    return {row.id: row.reason for row in tx.conn.execute(found)}


def count(tx: Tx, workspace_id: int, watch_id: str, to_status: str) -> int:
    """Return how often a watch became this, as far back as flips are kept."""
    mine = (flips.c.workspace_id == workspace_id, flips.c.watch_id == watch_id)
    found = select(func.count()).where(*mine, flips.c.to_status == to_status)
    return int(tx.conn.scalar(found) or 0)
