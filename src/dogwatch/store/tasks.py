"""The queue: what is still to be done, claimed in batches, fenced by node and attempt."""

import sys
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, TypeVar

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Row,
    Select,
    Table,
    Update,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal_column,
    not_,
    or_,
    select,
    tuple_,
    update,
)

from dogwatch.core.data import data
from dogwatch.store.bulk import Bulk
from dogwatch.store.tables import deliveries, runs, tasks
from dogwatch.store.tx import Tx
from dogwatch.store.types import to_microseconds

R = TypeVar("R")

EVER = datetime(1970, 1, 1, tzinfo=UTC)
# Shares are reckoned among the first free tasks alone, so many for each that may be taken and some
# more: what has its share is not among the next.
FIRST, FIRST_EACH = 100, 3


@data()
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
    priority: int = 0
    concurrency: str | None = None
    concurrency_limit: int = 1


@data()
class NewTask:
    """A thing to do from `run_at` on: the run or delivery `ref_id`; a higher `priority` first."""

    workspace_id: int
    lane: str
    ref_id: str
    bulkhead: str
    run_at: datetime
    ordering: str | None = None
    priority: int = 0
    concurrency: str | None = None
    concurrency_limit: int = 1


def add_many(tx: Tx, new: Sequence[NewTask]) -> None:
    """Queue tasks and wake their lanes."""
    rows = [
        (
            task.workspace_id, task.lane, task.ref_id, task.ordering, task.bulkhead,
            to_microseconds(task.run_at), 0, task.priority, task.concurrency,
            task.concurrency_limit,
        )
        for task in new
    ]  # fmt: skip
    _ADD.run(tx, rows)
    for lane in {task.lane for task in new}:
        tx.wake(lane)


_NEW = (
    tasks.c.workspace_id, tasks.c.lane, tasks.c.ref_id, tasks.c.ordering, tasks.c.bulkhead,
    tasks.c.run_at, tasks.c.attempt, tasks.c.priority, tasks.c.concurrency,
    tasks.c.concurrency_limit,
)  # fmt: skip
_ADD = Bulk(_NEW, lambda new: insert(tasks).from_select(list(new), select(*new.values())))


@dataclass(frozen=True, slots=True)
class Share:
    """At most `most` at once of each value of a column, unless `own` says else for a value.

    `held` counts those under way.
    """

    most: int
    held: Mapping[Any, int] = field(default_factory=dict)
    own: Mapping[Any, int] = field(default_factory=dict)

    def of(self, value: Any) -> int:
        """Return how many there may be of a value."""
        return self.own.get(value, self.most)

    @property
    def full(self) -> list[Any]:
        """The values that have their whole share."""
        return [value for value, count in self.held.items() if count >= self.of(value)]

    def admit(self, rows: Sequence[R], column: str) -> Sequence[R]:
        """Return the rows within their value's share; no value's second goes before a first."""
        places, ranked = Counter(self.held), []
        for row in rows:
            value = getattr(row, column)
            places[value] += 1
            if places[value] <= self.of(value):
                ranked.append((places[value], row))
        return [row for _, row in sorted(ranked, key=itemgetter(0))]


EVERYBODY = Share(sys.maxsize)
"""No limit."""


def claim(
    tx: Tx, lane: str, node_id: str, at: datetime, limit: int, since_at: datetime = EVER
) -> Sequence[Task]:
    """Take up to `limit` free tasks that are due since then; of each ordering only the first."""
    given = {"of_lane": lane, "since_at": since_at, "at": at, "limit": limit, "node": node_id}
    if _has_keyed(tx, lane, at):
        return _claim_among(tx, given, EVERYBODY, EVERYBODY, keyed=True)
    first = _taken(tx, _CLAIM_FIRST, given)
    if len(first) == limit:
        return first
    return [*first, *_taken(tx, _CLAIM, given | {"limit": limit - len(first)})]


def _has_keyed(tx: Tx, lane: str, at: datetime) -> bool:
    """Whether tasks are due that share places with others and may find one."""
    return tx.conn.execute(_KEYED, {"of_lane": lane, "at": at}).first() is not None


def _within_places(tx: Tx, found: Sequence[Any]) -> Iterator[Any]:
    """Yield, in order, the tasks that share no places, and those that find one."""
    own: dict[str, int] = {}
    for row in found:
        if row.concurrency:
            own[row.concurrency] = min(row.concurrency_limit, own.get(row.concurrency, sys.maxsize))
    places = Counter(_taken_places(tx, list(own)))
    for row in found:
        places[row.concurrency] += 1
        if row.concurrency is None or places[row.concurrency] <= own[row.concurrency]:
            yield row


def crowd(tx: Tx, workspace_id: int, ref_id: str) -> tuple[str, int, int] | None:
    """Return by what a waiting task shares places, how many are taken, and how many there are."""
    mine = tasks.c.workspace_id == workspace_id, tasks.c.ref_id == ref_id
    shared = tasks.c.concurrency.is_not(None), tasks.c.node_id.is_(None)
    found = select(tasks.c.concurrency, tasks.c.concurrency_limit).where(*mine, *shared)
    if (row := tx.conn.execute(found).first()) is None:
        return None
    key: str = row.concurrency
    return key.partition(":")[2], _taken_places(tx, [key]).get(key, 0), row.concurrency_limit


def _taken_places(tx: Tx, keys: Sequence[str]) -> dict[str, int]:
    return {row[0]: row[1] for row in tx.conn.execute(_UNDER_WAY, {"keys": keys})}


def due(tx: Tx, lane: str, at: datetime, limit: int) -> Sequence[Task]:
    """Return free tasks that are due, of each ordering only the first; nothing is taken yet."""
    return [
        _task(row) for row in tx.conn.execute(_DUE, {"of_lane": lane, "at": at, "limit": limit})
    ]


def lock_due(tx: Tx, found: Sequence[Task], at: datetime) -> Sequence[Task]:
    """Return and lock those of these that are still free and due."""
    given = {"ids": [task.id for task in found], "at": at}
    rows = tx.conn.execute(_LOCK_DUE, given) if found else ()
    return [_task(row) for row in rows]


def put_off(tx: Tx, workspace_id: int, lane: str, ref_id: str, run_at: datetime) -> None:
    """Have a free task done at another time."""
    mine = tasks.c.workspace_id == workspace_id, tasks.c.lane == lane, tasks.c.ref_id == ref_id
    tx.conn.execute(update(tasks).where(*mine).values(run_at=run_at))
    tx.wake(lane)


def drop_refs(tx: Tx, lane: str, keys: Collection[tuple[int, str]]) -> None:
    """Drop the tasks of a lane for these (workspace id, ref id), and wake it."""
    if keys:
        tx.conn.execute(_DROP_REFS, {"of_lane": lane, "keys": list(keys)})
        tx.wake(lane)


def claim_shared(
    tx: Tx,
    lane: str,
    node_id: str,
    at: datetime,
    limit: int,
    per_bulkhead: Share,
    per_workspace: Share,
) -> Sequence[Task]:
    """Do the same, and take no more of a bulkhead and of a workspace than its share."""
    given = {"of_lane": lane, "at": at, "limit": limit, "node": node_id}
    keyed = _has_keyed(tx, lane, at)
    return _claim_among(tx, given, per_bulkhead, per_workspace, keyed=keyed)


def _claim_among(
    tx: Tx, given: Mapping[str, Any], per_bulkhead: Share, per_workspace: Share, *, keyed: bool
) -> Sequence[Task]:
    """Take tasks within all shares. Who looks for those that share places counts alone."""
    if keyed and tx.dialect == "postgresql":
        tx.conn.execute(_COUNT_ALONE)
    free = {**given, "limit": FIRST + FIRST_EACH * given["limit"], "keyed": keyed}
    full = {"bulkheads": per_bulkhead.full, "workspaces": per_workspace.full}
    found = sorted(tx.conn.execute(_FREE, free | full), key=_urgency)
    placed = list(_within_places(tx, found)) if keyed else found
    rows = per_workspace.admit(per_bulkhead.admit(placed, "bulkhead"), "workspace_id")
    chosen = [row.id for row in rows[: given["limit"]]]
    return _taken(tx, _TAKE, {**given, "ids": chosen}) if chosen else []


def _taken(tx: Tx, statement: Update, given: Mapping[str, Any]) -> Sequence[Task]:
    return sorted((_task(row) for row in tx.conn.execute(statement, given)), key=_id)


def _id(task: Task) -> int:
    return task.id


def _urgency(row: Any) -> int:
    return -int(row.priority)


def _free() -> ColumnElement[bool]:
    earlier = tasks.alias("earlier")
    blocked = exists().where(earlier.c.ordering == tasks.c.ordering, earlier.c.id < tasks.c.id)
    return and_(
        tasks.c.lane == bindparam("of_lane"),
        tasks.c.node_id.is_(None),
        tasks.c.run_at <= bindparam("at"),
        or_(tasks.c.ordering.is_(None), not_(blocked)),
    )


def _take(chosen: Select[Any]) -> Update:
    """PostgreSQL may run a plain subquery again for each row, and lock others each time."""
    locked = chosen.with_for_update(skip_locked=True).cte("chosen")
    once = locked.prefix_with("MATERIALIZED", dialect="postgresql")
    return (
        update(tasks)
        .where(tasks.c.id.in_(select(once.c.id)))
        .values(node_id=bindparam("node"), attempt=tasks.c.attempt + 1)
        .returning(tasks)
    )


# Building these anew for each claim would cost more than running them.
# Few tasks have a priority, and an index holds those alone: for all others this costs nothing.
_CLAIM_FIRST = _take(
    select(tasks.c.id)
    .where(_free(), tasks.c.concurrency.is_(None), tasks.c.priority > literal_column("0"))
    .order_by(tasks.c.priority.desc(), tasks.c.run_at, tasks.c.id)
    .limit(bindparam("limit"))
)
_CLAIM = _take(
    select(tasks.c.id)
    .where(_free(), tasks.c.concurrency.is_(None), tasks.c.run_at >= bindparam("since_at"))
    .order_by(tasks.c.run_at, tasks.c.id)
    .limit(bindparam("limit"))
)
# Tasks of a full key are passed over here, so that they don't hide those of others.
_full = tasks.alias("full")
_FINDS_PLACE = and_(
    tasks.c.concurrency.is_not(None),
    select(func.count())
    .where(_full.c.concurrency == tasks.c.concurrency, _full.c.node_id.is_not(None))
    .scalar_subquery()
    < tasks.c.concurrency_limit,
)
_KEYED = select(tasks.c.id).where(_free(), _FINDS_PLACE).limit(literal_column("1"))
_FREE = (
    select(
        tasks.c.id, tasks.c.bulkhead, tasks.c.workspace_id, tasks.c.priority, tasks.c.concurrency,
        tasks.c.concurrency_limit,
    )
    .where(
        _free(),
        or_(tasks.c.concurrency.is_(None), and_(bindparam("keyed", type_=Boolean), _FINDS_PLACE)),
        tasks.c.bulkhead.not_in(bindparam("bulkheads", expanding=True)),
        tasks.c.workspace_id.not_in(bindparam("workspaces", expanding=True)),
    )
    .order_by(tasks.c.run_at, tasks.c.id)
    .limit(bindparam("limit"))
)  # fmt: skip
_UNDER_WAY = (
    select(tasks.c.concurrency, func.count())
    .where(tasks.c.concurrency.in_(bindparam("keys", expanding=True)), tasks.c.node_id.is_not(None))
    .group_by(tasks.c.concurrency)
)
_COUNT_ALONE = select(func.pg_advisory_xact_lock(literal_column("1668247666")))
_TAKE = _take(
    select(tasks.c.id).where(
        tasks.c.id.in_(bindparam("ids", expanding=True)),
        tasks.c.node_id.is_(None),
        tasks.c.run_at <= bindparam("at"),
    )
)


_DUE = select(tasks).where(_free()).order_by(tasks.c.run_at, tasks.c.id).limit(bindparam("limit"))
_LOCK_DUE = (
    select(tasks)
    .where(
        tasks.c.id.in_(bindparam("ids", expanding=True)),
        tasks.c.node_id.is_(None),
        tasks.c.run_at <= bindparam("at"),
    )
    .order_by(tasks.c.id)
    .with_for_update()
)
_DROP_REFS = delete(tasks).where(
    tasks.c.lane == bindparam("of_lane"),
    tuple_(tasks.c.workspace_id, tasks.c.ref_id).in_(bindparam("keys", expanding=True)),
)


def done(tx: Tx, task: Task) -> bool:
    """Drop the task; False if it is no longer this node's attempt."""
    gone = tx.conn.execute(delete(tasks).where(_held(task))).rowcount > 0
    if gone:
        _wake_next(tx, [task])
    return gone


def _wake_next(tx: Tx, gone: Sequence[Task]) -> None:
    """Wake the lanes of what waited for these."""
    lanes = {task.lane for task in gone if task.ordering is not None}
    if keys := {task.concurrency for task in gone if task.concurrency is not None}:
        lanes |= set(tx.conn.scalars(_WAITING, {"keys": list(keys)}))
    for lane in lanes:
        tx.wake(lane)


_WAITING = (
    select(tasks.c.lane)
    .where(tasks.c.concurrency.in_(bindparam("keys", expanding=True)), tasks.c.node_id.is_(None))
    .distinct()
)


def is_held(tx: Tx, task: Task) -> bool:
    """Whether the task is still this node's attempt."""
    return tx.conn.scalar(select(tasks.c.id).where(_held(task))) is not None


def hold(tx: Tx, task: Task) -> bool:
    """Do the same, and have whoever would take the task wait for this transaction."""
    found = select(tasks.c.id).where(_held(task)).with_for_update(read=True)
    return tx.conn.scalar(found) is not None


def done_many(tx: Tx, held: Sequence[Task]) -> set[int]:
    """Drop claimed tasks; return the ids of those that were still these nodes' attempts."""
    if not held:
        return set()
    keys = [(task.id, task.attempt, task.node_id) for task in held]
    gone = set(tx.conn.scalars(_DONE, {"keys": keys}))
    _wake_next(tx, [task for task in held if task.id in gone])
    return gone


_DONE = (
    delete(tasks)
    .where(
        tuple_(tasks.c.id, tasks.c.attempt, tasks.c.node_id).in_(bindparam("keys", expanding=True))
    )
    .returning(tasks.c.id)
)


def drop_of_watch(tx: Tx, workspace_id: int, watch_id: str) -> None:
    """Drop whatever is queued for a watch: its runs, and what is to be told of it."""
    _drop_refs(tx, runs, runs.c.watch_id, workspace_id, watch_id)
    _drop_refs(tx, deliveries, deliveries.c.watch_id, workspace_id, watch_id)
    _drop_timers(tx, ("late",), workspace_id, watch_id)


def drop_of_channel(tx: Tx, workspace_id: int, channel_id: str) -> None:
    """Drop what is to be told to a channel."""
    _drop_refs(tx, deliveries, deliveries.c.channel_id, workspace_id, channel_id)
    _drop_timers(tx, ("bundle", "digest"), workspace_id, channel_id)


def _drop_timers(tx: Tx, lanes: Collection[str], workspace_id: int, ref_id: str) -> None:
    mine = tasks.c.workspace_id == workspace_id, tasks.c.ref_id == ref_id
    tx.conn.execute(delete(tasks).where(*mine, tasks.c.lane.in_(lanes)))


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


def going(tx: Tx, lanes: Collection[str], workspace_ids: Collection[int]) -> dict[int, int]:
    """Return how many tasks of these lanes are under way in each of these workspaces."""
    found = (
        select(tasks.c.workspace_id, func.count())
        .where(
            tasks.c.node_id.is_not(None),
            tasks.c.lane.in_(lanes),
            tasks.c.workspace_id.in_(workspace_ids),
        )
        .group_by(tasks.c.workspace_id)
    )
    return {row[0]: row[1] for row in tx.conn.execute(found)}


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


def of_refs(tx: Tx, workspace_id: int, ref_ids: Collection[str]) -> Sequence[Task]:
    """Return and lock the tasks of these runs, whatever their lane."""
    found = select(tasks).where(tasks.c.workspace_id == workspace_id, tasks.c.ref_id.in_(ref_ids))
    return [_task(row) for row in tx.conn.execute(found.order_by(tasks.c.id).with_for_update())]


def rewind(tx: Tx, before_at: datetime, at: datetime) -> None:
    """Have what waits do so for as long as it did when the clock was set back to `at`."""
    ahead = tx.conn.execute(select(tasks.c.id, tasks.c.run_at).where(tasks.c.run_at > at)).all()
    moved = [{"of_id": row.id, "to_at": max(at, row.run_at - (before_at - at))} for row in ahead]
    if moved:
        to = update(tasks).where(tasks.c.id == bindparam("of_id"))
        tx.conn.execute(to.values(run_at=bindparam("to_at")), moved)


def next_run_at(tx: Tx, lane: str, since_at: datetime = EVER) -> datetime | None:
    """Return when the first free task of the lane is due, of those due since then."""
    given = {"of_lane": lane, "since_at": since_at}
    first: datetime | None = tx.conn.scalar(_NEXT, given)
    return first


_NEXT = (
    select(tasks.c.run_at)
    .where(
        tasks.c.lane == bindparam("of_lane"),
        tasks.c.node_id.is_(None),
        tasks.c.run_at >= bindparam("since_at"),
    )
    .order_by(tasks.c.run_at)
    .limit(1)
)


def depth(tx: Tx) -> dict[str, int]:
    """Return how many tasks wait or run in each lane."""
    found = select(tasks.c.lane, func.count()).group_by(tasks.c.lane)
    return {row[0]: row[1] for row in tx.conn.execute(found)}


def _held(task: Task) -> ColumnElement[bool]:
    mine = tasks.c.node_id.is_(None) if task.node_id is None else tasks.c.node_id == task.node_id
    return and_(tasks.c.id == task.id, tasks.c.attempt == task.attempt, mine)


def _task(row: Row[Any]) -> Task:
    return Task(**row._mapping)
