"""Which schedules the watches of a workspace have, each with how many have it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from dogwatch.store.tables import watches
from dogwatch.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Kept:
    """So many watches keep a schedule and are due next at `slot_at`, where they owe something."""

    schedule: str
    timezone: str
    starts_at: datetime | None
    slot_at: datetime | None
    count: int


def kept(tx: Tx, workspace_id: int, limit: int) -> list[Kept]:
    """Return the schedules that are followed now, the most common ones first."""
    columns = (watches.c.schedule, watches.c.timezone, watches.c.starts_at, watches.c.slot_at)
    found = (
        select(*columns, func.count().label("count"))
        .where(
            watches.c.workspace_id == workspace_id,
            watches.c.schedule.is_not(None),
            watches.c.status != "paused",
        )
        .group_by(*columns)
        .order_by(func.count().desc(), watches.c.schedule)
        .limit(limit)
    )
    return [Kept(**row._mapping) for row in tx.conn.execute(found)]
