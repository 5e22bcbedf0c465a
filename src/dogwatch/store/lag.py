"""Lag: for how long something waits that a loop should have done by now, over all workspaces."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, select, union

from dogwatch.store import timers
from dogwatch.store.tables import jobs, nodes, outages, runs, tasks, watches
from dogwatch.store.tx import Tx


def oldest(tx: Tx, at: datetime) -> Mapping[str, datetime | None]:
    """Return since when the oldest is due of what waits for each loop, None where nothing is."""
    due = {"scheduler": jobs.c.next_at, "sweeper": watches.c.due_at}
    found = {
        loop: tx.conn.scalar(select(func.min(column)).where(column <= at))
        for loop, column in due.items()
    }
    free = select(tasks.c.lane, func.min(tasks.c.run_at)).where(
        tasks.c.node_id.is_(None), tasks.c.run_at <= at
    )
    lanes: dict[str, datetime] = {row[0]: row[1] for row in tx.conn.execute(free.group_by("lane"))}
    held = [since_at for lane, since_at in lanes.items() if lane in timers.LANES]
    return found | lanes | {"alerter": min(held, default=None)}


def nodes_known(tx: Tx) -> Sequence[tuple[str, str, datetime, datetime, datetime | None]]:
    """Return (id, name, start, last beat, oldest ping that is not stored) of each node."""
    found = select(
        nodes.c.id, nodes.c.name, nodes.c.started_at, nodes.c.beat_at, nodes.c.unfolded_at
    )
    return [
        (row[0], row[1], row[2], row[3], row[4])
        for row in tx.conn.execute(found.order_by(nodes.c.beat_at.desc()))
    ]


def gaps_named(tx: Tx, limit: int) -> Sequence[tuple[datetime, datetime, str]]:
    """Return (start, end, reason) of the last gaps in which nobody listened, newest first."""
    found = select(outages.c.start_at, outages.c.end_at, outages.c.reason)
    rows = tx.conn.execute(found.order_by(outages.c.id.desc()).limit(limit))
    return [(row[0], row[1], row[2]) for row in rows]


def slots_within(tx: Tx, workspace_id: int, start_at: datetime, end_at: datetime) -> int:
    """Return how many slots of a workspace were due from `start_at` to before `end_at`: those in
    the ledger, and those still owed by what is not paused."""
    own = watches.c.workspace_id == workspace_id
    # By watch: (watch, slot) is what there is an index of.
    settled = select(watches.c.id, runs.c.slot_at).where(
        own,
        runs.c.workspace_id == watches.c.workspace_id,
        runs.c.watch_id == watches.c.id,
        runs.c.slot_at >= start_at,
        runs.c.slot_at < end_at,
    )
    owed = select(watches.c.id, watches.c.slot_at).where(
        own,
        watches.c.slot_at >= start_at,
        watches.c.slot_at < end_at,
        watches.c.status != "paused",
    )
    return tx.conn.scalar(select(func.count()).select_from(union(settled, owed).subquery())) or 0
