"""The queue: what is still to be done, claimed in batches, fenced by node and attempt."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    and_,
    delete,
    exists,
    func,
    insert,
    not_,
    or_,
    select,
    update,
)

from dogwatch.store.tables import tasks
from dogwatch.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Task:
    """One claimed thing to do: `attempt` counts from 1 and fences whoever held it before."""

    id: int
    workspace_id: int
    lane: str
    ref_id: str
    ordering: str | None
    bulkhead: str
    run_at: datetime
    attempt: int
    node_id: str | None


@dataclass(frozen=True, slots=True)
class NewTask:
    """A thing to do from `run_at` on: the run or delivery `ref_id`."""

    workspace_id: int
    lane: str
    ref_id: str
    bulkhead: str
    run_at: datetime
    ordering: str | None = None


def add_many(tx: Tx, new: Sequence[NewTask]) -> None:
    """Queue tasks and wake their lanes."""
    rows = [{name: getattr(task, name) for name in NewTask.__slots__} for task in new]
    if rows:
        tx.conn.execute(insert(tasks), [{**row, "attempt": 0} for row in rows])
    for lane in {task.lane for task in new}:
        tx.wake(lane)


def claim(
    tx: Tx,
    lane: str,
    node_id: str,
    at: datetime,
    limit: int,
    *,
    full: Collection[str] = (),
    full_workspaces: Collection[int] = (),
    per_bulkhead: int | None = None,
) -> Sequence[Task]:
    """Take up to `limit` free tasks that are due, none of the `full` bulkheads.

    Of each bulkhead at most `per_bulkhead`; of each ordering only the first.
    """
    free = _free(lane, at)
    if full:
        free = and_(free, tasks.c.bulkhead.not_in(full))
    if full_workspaces:
        free = and_(free, tasks.c.workspace_id.not_in(full_workspaces))
    chosen = select(tasks.c.id).where(free)
    if per_bulkhead is not None:
        place = func.row_number().over(
            partition_by=tasks.c.bulkhead, order_by=(tasks.c.run_at, tasks.c.id)
        )
        placed = select(tasks.c.id, place.label("place")).where(free).subquery()
        few = select(placed.c.id).where(placed.c.place <= per_bulkhead)
        chosen = select(tasks.c.id).where(tasks.c.id.in_(few), tasks.c.node_id.is_(None))
    chosen = chosen.order_by(tasks.c.run_at, tasks.c.id).limit(limit)
    taken = (
        update(tasks)
        .where(tasks.c.id.in_(chosen.with_for_update(skip_locked=True)))
        .values(node_id=node_id, attempt=tasks.c.attempt + 1)
        .returning(tasks)
    )
    return sorted((_task(row) for row in tx.conn.execute(taken)), key=lambda task: task.id)


def _free(lane: str, at: datetime) -> ColumnElement[bool]:
    earlier = tasks.alias("earlier")
    blocked = exists().where(earlier.c.ordering == tasks.c.ordering, earlier.c.id < tasks.c.id)
    return and_(
        tasks.c.lane == lane,
        tasks.c.node_id.is_(None),
        tasks.c.run_at <= at,
        or_(tasks.c.ordering.is_(None), not_(blocked)),
    )


def done(tx: Tx, task: Task) -> bool:
    """Drop the task; False if it is no longer this node's attempt."""
    gone = tx.conn.execute(delete(tasks).where(_held(task))).rowcount > 0
    if gone and task.ordering is not None:
        tx.wake(task.lane)
    return gone


def drop(tx: Tx, workspace_id: int, ref_ids: Collection[str]) -> None:
    """Drop the tasks of these runs or deliveries, whoever holds them."""
    if ref_ids:
        tx.conn.execute(
            delete(tasks).where(
                tasks.c.workspace_id == workspace_id, tasks.c.ref_id.in_(list(ref_ids))
            )
        )


def drop_all(tx: Tx) -> None:
    """Empty the queue."""
    tx.conn.execute(delete(tasks))


def again(tx: Tx, task: Task, run_at: datetime, *, attempt: int | None = None) -> bool:
    """Give the task back, to be claimed from `run_at` on; False if it is no longer ours."""
    values: dict[str, Any] = {"run_at": run_at, "node_id": None}
    if attempt is not None:
        values["attempt"] = attempt
    freed = tx.conn.execute(update(tasks).where(_held(task)).values(**values)).rowcount > 0
    if freed:
        tx.wake(task.lane)
    return freed


def held_by(tx: Tx, node_ids: Collection[str], limit: int) -> Sequence[Task]:
    """Return and lock tasks held by these nodes."""
    found = select(tasks).where(tasks.c.node_id.in_(node_ids)).order_by(tasks.c.id).limit(limit)
    return [_task(row) for row in tx.conn.execute(found.with_for_update(skip_locked=True))]


def nodes_holding(tx: Tx) -> set[str]:
    """Return the ids of all nodes that hold a task."""
    found = select(tasks.c.node_id).where(tasks.c.node_id.is_not(None)).distinct()
    return {node_id for node_id in tx.conn.scalars(found) if node_id}


def by_refs(
    tx: Tx, workspace_id: int, lanes: Collection[str], ref_ids: Collection[str]
) -> Sequence[Task]:
    """Return and lock the tasks of these runs or deliveries."""
    found = select(tasks).where(
        tasks.c.workspace_id == workspace_id,
        tasks.c.lane.in_(lanes),
        tasks.c.ref_id.in_(ref_ids),
    )
    return [_task(row) for row in tx.conn.execute(found.with_for_update())]


def next_run_at(tx: Tx, lane: str) -> datetime | None:
    """Return when the first free task of the lane is due."""
    first: datetime | None = tx.conn.scalar(
        select(func.min(tasks.c.run_at)).where(tasks.c.lane == lane, tasks.c.node_id.is_(None))
    )
    return first


def depth(tx: Tx) -> dict[str, int]:
    """Return how many tasks wait or run in each lane."""
    found = select(tasks.c.lane, func.count()).group_by(tasks.c.lane)
    return {row[0]: row[1] for row in tx.conn.execute(found)}


def _held(task: Task) -> ColumnElement[bool]:
    mine = tasks.c.node_id.is_(None) if task.node_id is None else tasks.c.node_id == task.node_id
    return and_(tasks.c.id == task.id, tasks.c.attempt == task.attempt, mine)


def _task(row: Row[Any]) -> Task:
    return Task(**row._mapping)
