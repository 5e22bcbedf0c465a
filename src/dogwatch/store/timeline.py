"""What the timeline asks: the runs of many watches in a stretch of time, a few rows for each."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, func, literal, select, type_coerce

from dogwatch.ids import ids_of
from dogwatch.store.tables import runs
from dogwatch.store.tx import Tx
from dogwatch.store.types import from_microseconds, to_microseconds

# Runs that began longer ago than this before the stretch are not looked for in it.
LONGEST = timedelta(days=1)
_ID_TIME = 10


@dataclass(frozen=True, slots=True)
class Ran:
    """Runs of one watch that ended alike within one cell: from the first start to the last end."""

    watch_id: str
    outcome: str
    count: int
    began_at: datetime
    ended_at: datetime
    run_id: str


def ran(
    tx: Tx, workspace_id: int, watch_ids: Collection[str], begin_at: datetime, at: datetime,
    cell: timedelta,
) -> list[Ran]:  # fmt: skip
    """Return what ran from `begin_at` to `at`, in cells of the time in which it began."""
    first_id = ids_of([begin_at - LONGEST])[0][:_ID_TIME]
    began = _plain(func.coalesce(runs.c.started_at, runs.c.finished_at, runs.c.slot_at))
    ended = _plain(func.coalesce(runs.c.finished_at, _at(at)))
    outcome = func.coalesce(runs.c.outcome, runs.c.state)
    place = (began - to_microseconds(begin_at)) // int(cell / timedelta(microseconds=1))
    found = (
        select(
            runs.c.watch_id, outcome, func.count(), func.min(began), func.max(ended),
            func.max(runs.c.id),
        )
        .where(
            runs.c.workspace_id == workspace_id,
            runs.c.watch_id.in_(watch_ids),
            runs.c.id >= first_id,
            ended >= to_microseconds(begin_at),
            runs.c.state != "queued",
        )
        .group_by(runs.c.watch_id, outcome, place)
        .order_by(runs.c.watch_id, func.min(began))
    )  # fmt: skip
    return [
        Ran(row[0], row[1], row[2], from_microseconds(row[3]), from_microseconds(row[4]), row[5])
        for row in tx.conn.execute(found)
    ]


def _plain(value: Any) -> Any:
    return type_coerce(value, BigInteger())


def _at(at: datetime) -> Any:
    return literal(to_microseconds(at), BigInteger())
