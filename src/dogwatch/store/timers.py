"""Timers: tasks that are done inside one transaction, as soon as their time has come.

A workspace's alerts are decided by one transaction at a time: whoever decides locks the workspace
first, and its timers after it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from dogwatch.store.tables import tasks
from dogwatch.store.tx import Tx

TOPIC: Final = "alert"
LANES: Final = ("alert", "bundle", "digest", "incident", "late")


@dataclass(frozen=True, slots=True)
class Timer:
    """Something to be looked at from `run_at` on: by lane a held delivery, a channel's group or
    digest, an incident, or a watch that may be late."""

    workspace_id: int
    lane: str
    ref_id: str
    run_at: datetime
    id: int = 0


def arm(tx: Tx, timers: Collection[Timer]) -> None:
    """Set timers; one that is set already goes off at the earlier of both times."""
    earliest: dict[tuple[int, str, str], Timer] = {}
    for timer in timers:
        key = timer.workspace_id, timer.lane, timer.ref_id
        if key not in earliest or timer.run_at < earliest[key].run_at:
            earliest[key] = timer
    if earliest:
        # In one order, so that two transactions never wait for each other.
        tx.conn.execute(_ARM[tx.dialect], [_values(earliest[key]) for key in sorted(earliest)])
        tx.wake(TOPIC)


def _values(timer: Timer) -> dict[str, Any]:
    own = {name: getattr(timer, name) for name in ("workspace_id", "lane", "ref_id", "run_at")}
    return own | {"attempt": 0, "bulkhead": ""}


def _arming(dialect: Any, least: Any) -> Any:
    made = dialect.insert(tasks)
    return made.on_conflict_do_update(
        index_elements=["workspace_id", "lane", "ref_id"],
        set_={"run_at": least(tasks.c.run_at, made.excluded.run_at)},
    )


_ARM = {"sqlite": _arming(sqlite, func.min), "postgresql": _arming(postgresql, func.least)}


def owners(tx: Tx, at: datetime, limit: int) -> Sequence[int]:
    """Return workspaces that have timers which have gone off."""
    given = {"at": at, "limit": limit}
    return sorted({row.workspace_id for row in tx.conn.execute(_OWNERS, given)})


def due(tx: Tx, workspace_ids: Collection[int], at: datetime, limit: int) -> Sequence[Timer]:
    """Return and lock timers of locked workspaces that have gone off, the earliest first."""
    given = {"workspaces": list(workspace_ids), "at": at, "limit": limit}
    return [Timer(**row._mapping) for row in tx.conn.execute(_DUE, given)]


_GONE_OFF = (tasks.c.lane.in_(LANES), tasks.c.run_at <= bindparam("at"))
_OWNERS = (
    select(tasks.c.workspace_id)
    .where(*_GONE_OFF)
    .order_by(tasks.c.run_at)
    .limit(bindparam("limit"))
)
_DUE = (
    select(*(tasks.c[name] for name in Timer.__slots__))
    .where(*_GONE_OFF, tasks.c.workspace_id.in_(bindparam("workspaces", expanding=True)))
    .order_by(tasks.c.run_at, tasks.c.id)
    .limit(bindparam("limit"))
    .with_for_update()
)


def next_at(tx: Tx) -> datetime | None:
    """Return when the next timer goes off."""
    found = select(func.min(tasks.c.run_at)).where(tasks.c.lane.in_(LANES))
    first: datetime | None = tx.conn.scalar(found)
    return first


def drop(tx: Tx, ids: Collection[int]) -> None:
    """Remove timers that have gone off."""
    if ids:
        tx.conn.execute(
            delete(tasks).where(tasks.c.id == bindparam("of")), [{"of": n} for n in ids]
        )


def stop(tx: Tx, workspace_id: int, lane: str, ref_id: str) -> None:
    """Remove the timer of one thing."""
    tx.conn.execute(
        delete(tasks).where(
            tasks.c.workspace_id == workspace_id, tasks.c.lane == lane, tasks.c.ref_id == ref_id
        )
    )


def hasten(tx: Tx, workspace_id: int, ref_ids: Collection[str], at: datetime) -> None:
    """Have held deliveries looked at now."""
    rows = [{"of": ref_id, "workspace": workspace_id, "at": at} for ref_id in ref_ids]
    if rows:
        tx.conn.execute(_HASTEN, rows)
        tx.wake(TOPIC)


_HASTEN = (
    update(tasks)
    .where(
        tasks.c.workspace_id == bindparam("workspace"),
        tasks.c.lane == "alert",
        tasks.c.ref_id == bindparam("of"),
    )
    .values(run_at=bindparam("at"))
)
