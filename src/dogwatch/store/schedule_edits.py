"""How the schedules of watches were changed, and when."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select

from dogwatch.store.tables import schedule_edits
from dogwatch.store.tx import Tx

# As long as the longest strip.
KEPT = timedelta(days=100)


@dataclass(frozen=True, slots=True)
class ScheduleEdit:
    """At `at` the schedule of a watch became another."""

    workspace_id: int
    watch_id: str
    at: datetime
    before: str
    after: str


def add(tx: Tx, edit: ScheduleEdit) -> None:
    """Note an edit; of two in one instant the last counts, and old ones go."""
    mine = (
        schedule_edits.c.workspace_id == edit.workspace_id,
        schedule_edits.c.watch_id == edit.watch_id,
    )
    gone = (schedule_edits.c.at <= edit.at - KEPT) | (schedule_edits.c.at == edit.at)
    tx.conn.execute(delete(schedule_edits).where(*mine, gone))
    values = {name: getattr(edit, name) for name in ScheduleEdit.__slots__}
    tx.conn.execute(insert(schedule_edits).values(**values))


def since(
    tx: Tx, workspace_id: int, watch_ids: Collection[str], since_at: datetime
) -> Sequence[ScheduleEdit]:
    """Return the edits of watches since a time, oldest first."""
    found = select(schedule_edits).where(
        schedule_edits.c.workspace_id == workspace_id,
        schedule_edits.c.watch_id.in_(list(watch_ids)),
        schedule_edits.c.at >= since_at,
    )
    rows = tx.conn.execute(found.order_by(schedule_edits.c.at))
    return [ScheduleEdit(**row._mapping) for row in rows]
