"""The queue: what is still to be done, claimed in batches, fenced by node and attempt."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CTE,
    Column,
    ColumnElement,
    Row,
    Select,
    Table,
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    not_,
    or_,
    select,
    true,
    update,
)

from dogwatch.store.tables import deliveries, runs, tasks
from dogwatch.store.tx import Tx

# Shares are reckoned among the first free tasks alone: what has its share is not among the next.
FIRST = 500


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


@dataclass(frozen=True, slots=True)
class Share:
    """At most `most` at once of each value of a column; `held` counts those under way."""

    most: int
    held: Mapping[Any, int] = field(default_factory=dict)

    def open(self, column: Column[Any]) -> ColumnElement[bool]:
        """Return the condition that a value has not got its whole share yet."""
        full = [value for value, count in self.held.items() if count >= self.most]
        return column.not_in(full) if full else true()

    def within(self, column: ColumnElement[Any], order: Sequence[Any]) -> ColumnElement[bool]:
        """Return the condition that a row of the first ones is within what is left of its share."""
        place = func.row_number().over(partition_by=column, order_by=order)
        left = {value: self.most - count for value, count in self.held.items()}
        return place <= (case(left, value=column, else_=self.most) if left else self.most)


def claim(
    tx: Tx,
    lane: str,
    node_id: str,
    at: datetime,
    limit: int,
    *,
    per_bulkhead: Share | None = None,
    per_workspace: Share | None = None,
) -> Sequence[Task]:
    """Take up to `limit` free tasks that are due; of each ordering only the first."""
    shares = [
        (share, column)
        for share, column in (
            (per_bulkhead, tasks.c.bulkhead),
            (per_workspace, tasks.c.workspace_id),
        )
        if share
    ]
    free = and_(_free(lane, at), *(share.open(column) for share, column in shares))
    chosen = select(tasks.c.id).where(free)
    if shares:
        first = select(tasks).where(free).order_by(tasks.c.run_at).limit(FIRST).subquery()
        order = (first.c.run_at, first.c.id)
        fits = and_(*(share.within(first.c[column.name], order) for share, column in shares))
        placed = select(first.c.id, fits.label("fits")).subquery()
        few = select(placed.c.id).where(placed.c.fits)
        chosen = select(tasks.c.id).where(tasks.c.id.in_(few), tasks.c.node_id.is_(None))
    chosen = chosen.order_by(tasks.c.run_at, tasks.c.id).limit(limit)
    taken = (
        update(tasks)
        .where(tasks.c.id.in_(select(_once(chosen.with_for_update(skip_locked=True)).c.id)))
        .values(node_id=node_id, attempt=tasks.c.attempt + 1)
        .returning(tasks)
    )
    return sorted((_task(row) for row in tx.conn.execute(taken)), key=lambda task: task.id)


def _once(chosen: Select[Any]) -> CTE:
    """PostgreSQL may run a plain subquery again for each row, and lock others each time."""
    return chosen.cte("chosen").prefix_with("MATERIALIZED", dialect="postgresql")


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


def drop_of_watch(tx: Tx, workspace_id: int, watch_id: str) -> None:
    """Drop whatever is queued for a watch: its runs, and what is to be told of it."""
    _drop_refs(tx, runs, runs.c.watch_id, workspace_id, watch_id)
    _drop_refs(tx, deliveries, deliveries.c.watch_id, workspace_id, watch_id)


def drop_of_channel(tx: Tx, workspace_id: int, channel_id: str) -> None:
    """Drop what is to be told to a channel."""
    _drop_refs(tx, deliveries, deliveries.c.channel_id, workspace_id, channel_id)


def _drop_refs(tx: Tx, table: Table, column: Column[Any], workspace_id: int, value: str) -> None:
    refs = select(table.c.id).where(table.c.workspace_id == workspace_id, column == value)
    tx.conn.execute(
        delete(tasks).where(tasks.c.workspace_id == workspace_id, tasks.c.ref_id.in_(refs))
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
