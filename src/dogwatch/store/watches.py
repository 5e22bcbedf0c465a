"""Watches: their rows, as the state machine sees them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, bindparam, delete, func, insert, select, tuple_, update

from dogwatch.core.problems import Problem
from dogwatch.core.schedule import parse
from dogwatch.core.slots import Plan
from dogwatch.core.watch import OpenRun, Status, Watch
from dogwatch.store.bulk import Bulk
from dogwatch.store.tables import ping_keys, watches
from dogwatch.store.tx import Tx
from dogwatch.store.types import from_microseconds, to_microseconds

# After this time a schedule that could not be followed is tried again.
FAULT_PAUSE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Record:
    """A stored watch: who it is, and `watch`, its state for the machine.

    `fault`: why its schedule cannot be followed here, say a time zone that is gone; the plan has
    none then, and the watch is left alone by sweeper and scheduler. Empty if all is well.
    """

    workspace_id: int
    id: str
    slug: str
    name: str
    ping_key: str
    watch: Watch
    created_at: datetime
    updated_at: datetime
    ledger_from_at: datetime
    description: str = ""
    tags: tuple[str, ...] = ()
    project: str | None = None
    schedule: str | None = None
    timezone: str = "UTC"
    last_ping_at: datetime | None = None
    due_at: datetime | None = None
    fault: str = ""

    @property
    def key(self) -> tuple[int, str]:
        """The primary key."""
        return self.workspace_id, self.id

    @property
    def kind(self) -> str:
        """`heartbeat` or `job`."""
        return "job" if self.watch.job else "heartbeat"


def plan(schedule: str | None, timezone: str, **limits: Any) -> Plan:
    """Return the plan of a schedule's text and limits; Problem if the schedule is bad."""
    return Plan(schedule=parse(schedule, timezone) if schedule else None, **limits)


_LIMITS = (
    "start_by_s",
    "finish_by_s",
    "slow_after_ms",
    "min_duration_ms",
    "early_s",
    "failures_before_down",
    "successes_before_up",
)


def add(tx: Tx, record: Record) -> None:
    """Insert the watch and its ping key; IntegrityError where slug or key are taken."""
    tx.conn.execute(insert(watches).values(**_columns(record)))
    tx.conn.execute(
        insert(ping_keys).values(
            key=record.ping_key, workspace_id=record.workspace_id, watch_id=record.id
        )
    )


def by_id(tx: Tx, workspace_id: int, watch_id: str, *, lock: bool = False) -> Record | None:
    """Return one watch by its id."""
    return _one(tx, _of(workspace_id).where(watches.c.id == watch_id), lock=lock)


def by_name(tx: Tx, workspace_id: int, name: str, *, lock: bool = False) -> Record | None:
    """Return one watch by its id or slug."""
    named = (watches.c.id == name) | (watches.c.slug == name)
    return _one(tx, _of(workspace_id).where(named), lock=lock)


def by_ids(tx: Tx, keys: Collection[tuple[int, str]]) -> dict[tuple[int, str], Record]:
    """Return and lock the watches of these (workspace id, id), in the one order of all locks."""
    if not keys:
        return {}
    rows = tx.conn.execute(_BY_IDS, {"keys": list(keys)})
    return {record.key: record for record in map(_record, rows)}


# Building a statement costs more than running it; these are asked by every batch of pings.
_BY_IDS = (
    select(watches)
    .where(tuple_(watches.c.workspace_id, watches.c.id).in_(bindparam("keys", expanding=True)))
    .order_by(watches.c.workspace_id, watches.c.id)
    .with_for_update()
)
_BY_PING_KEYS = select(ping_keys).where(ping_keys.c.key.in_(bindparam("keys", expanding=True)))


def keys_of_slugs(
    tx: Tx, slugs: Collection[tuple[int, str]]
) -> dict[tuple[int, str], tuple[int, str]]:
    """Return the (workspace id, id) of the watches with these (workspace id, slug)."""
    if not slugs:
        return {}
    ids = select(watches.c.workspace_id, watches.c.slug, watches.c.id)
    found = ids.where(tuple_(watches.c.workspace_id, watches.c.slug).in_(list(slugs)))
    return {(row[0], row[1]): (row[0], row[2]) for row in tx.conn.execute(found)}


def keys_of_pings(tx: Tx, keys: Collection[str]) -> dict[str, tuple[int, str]]:
    """Return the (workspace id, id) of the watches behind these public ping keys."""
    if not keys:
        return {}
    rows = tx.conn.execute(_BY_PING_KEYS, {"keys": list(keys)})
    return {row.key: (row.workspace_id, row.watch_id) for row in rows}


def listed(
    tx: Tx, workspace_id: int, limit: int, after: str = "", **filters: Any
) -> Sequence[Record]:
    """Return watches oldest first from the one after id `after`; filters by column."""
    found = _of(workspace_id).where(watches.c.id > after)
    for column, value in filters.items():
        found = found.where(watches.c[column] == value)
    found = found.order_by(watches.c.id).limit(limit)
    return [_record(row) for row in tx.conn.execute(found)]


def due(tx: Tx, at: datetime, limit: int) -> Sequence[Record]:
    """Return and lock watches whose hint has come; on PostgreSQL, those no other node holds."""
    found = select(watches).where(watches.c.due_at <= at).order_by(watches.c.due_at).limit(limit)
    rows = tx.conn.execute(found.with_for_update(skip_locked=True))
    return [_record(row) for row in rows]


def next_due_at(tx: Tx) -> datetime | None:
    """Return the earliest hint of any watch."""
    earliest: datetime | None = tx.conn.scalar(select(func.min(watches.c.due_at)))
    return earliest


def look_again(tx: Tx, records: Iterable[Record], at: datetime) -> None:
    """Have the sweeper look at these watches not before `at`."""
    for record in records:
        mine = (watches.c.workspace_id == record.workspace_id, watches.c.id == record.id)
        tx.conn.execute(update(watches).where(*mine).values(due_at=at))


def wake_all(tx: Tx, at: datetime) -> None:
    """Have every watch that waits for a deadline looked at anew."""
    tx.conn.execute(update(watches).where(watches.c.due_at > at).values(due_at=at))


def taken_slugs(tx: Tx, workspace_id: int, prefix: str) -> set[str]:
    """Return the slugs in use that begin with `prefix`."""
    found = select(watches.c.slug).where(
        watches.c.workspace_id == workspace_id,
        watches.c.slug.startswith(prefix, autoescape=True),
    )
    return set(tx.conn.scalars(found))


def count_by_status(tx: Tx) -> Mapping[str, int]:
    """Return how many watches there are in each status, over all workspaces."""
    found = select(watches.c.status, func.count()).group_by(watches.c.status)
    return {row[0]: row[1] for row in tx.conn.execute(found)}


_SAVE = Bulk(
    update(watches)
    .where(watches.c.workspace_id == bindparam("at_workspace"), watches.c.id == bindparam("at_id"))
    .values(
        {
            name: bindparam(name)
            for name in (
                "status", "since_at", "slot_at", "unheard", "open", "recent", "failures",
                "successes", "heard_at", "heard", "ok_at", "duration_ms", "last_ping_at", "due_at",
            )
        }
    )
)  # fmt: skip


def save_states(tx: Tx, records: Iterable[Record]) -> None:
    """Write back the state of watches that this transaction has locked."""
    rows = (
        {
            **_state(record.watch),
            "last_ping_at": record.last_ping_at,
            "due_at": record.due_at,
            "at_workspace": record.workspace_id,
            "at_id": record.id,
        }
        for record in records
    )
    _SAVE.run(tx, rows)


def save(tx: Tx, record: Record) -> None:
    """Write back a whole watch; IntegrityError where the slug is taken."""
    tx.conn.execute(
        update(watches)
        .where(watches.c.workspace_id == record.workspace_id, watches.c.id == record.id)
        .values(**_columns(record))
    )


def remove(tx: Tx, record: Record) -> None:
    """Delete the watch and all that hangs on it."""
    tx.conn.execute(
        delete(watches).where(
            watches.c.workspace_id == record.workspace_id, watches.c.id == record.id
        )
    )


def _of(workspace_id: int) -> Select[Any]:
    return select(watches).where(watches.c.workspace_id == workspace_id)


def _one(tx: Tx, found: Select[Any], *, lock: bool) -> Record | None:
    row = tx.conn.execute(found.with_for_update() if lock else found).first()
    return _record(row) if row else None


def _record(row: Row[Any]) -> Record:
    limits = {name: getattr(row, name) for name in _LIMITS}
    fault = ""
    try:
        what = plan(row.schedule, row.timezone, **limits)
    except Problem as problem:  # one watch must not spoil the batch it is in
        what, fault = Plan(**limits), problem.message
    return Record(
        workspace_id=row.workspace_id,
        id=row.id,
        slug=row.slug,
        name=row.name,
        ping_key=row.ping_key,
        watch=_watch(row, what),
        created_at=row.created_at,
        updated_at=row.updated_at,
        ledger_from_at=row.ledger_from_at,
        description=row.description,
        tags=tuple(row.tags),
        project=row.project,
        schedule=row.schedule,
        timezone=row.timezone,
        last_ping_at=row.last_ping_at,
        due_at=row.due_at,
        fault=fault,
    )


def _watch(row: Row[Any], plan: Plan) -> Watch:
    return Watch(
        plan=plan,
        job=row.kind == "job",
        status=Status(row.status),
        since_at=row.since_at,
        slot_at=row.slot_at,
        unheard=tuple(from_microseconds(slot) for slot in row.unheard),
        open=tuple(_open_run(values) for values in row.open),
        recent=tuple(row.recent),
        failures=row.failures,
        successes=row.successes,
        heard_at=row.heard_at,
        heard=row.heard,
        ok_at=row.ok_at,
        duration_ms=row.duration_ms,
    )


def _state(watch: Watch) -> dict[str, Any]:
    return {
        "status": str(watch.status),
        "since_at": watch.since_at,
        "slot_at": watch.slot_at,
        "unheard": [to_microseconds(slot) for slot in watch.unheard],
        "open": [_open_values(run) for run in watch.open],
        "recent": list(watch.recent),
        "failures": watch.failures,
        "successes": watch.successes,
        "heard_at": watch.heard_at,
        "heard": watch.heard,
        "ok_at": watch.ok_at,
        "duration_ms": watch.duration_ms,
    }


def _columns(record: Record) -> dict[str, Any]:
    limits = {name: getattr(record.watch.plan, name) for name in _LIMITS}
    return {
        "workspace_id": record.workspace_id,
        "id": record.id,
        "slug": record.slug,
        "name": record.name,
        "description": record.description,
        "kind": record.kind,
        "tags": list(record.tags),
        "project": record.project,
        "ping_key": record.ping_key,
        "schedule": record.schedule,
        "timezone": record.timezone,
        **limits,
        **_state(record.watch),
        "last_ping_at": record.last_ping_at,
        "due_at": record.due_at,
        "ledger_from_at": record.ledger_from_at,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
    }


def _open_values(run: OpenRun) -> list[Any]:
    times = (run.slot_at, run.queued_at, run.started_at)
    return [run.id, run.rid, *(at and to_microseconds(at) for at in times), run.overdue]


def _open_run(values: Sequence[Any]) -> OpenRun:
    run_id, rid, *times, overdue = values
    slot_at, queued_at, started_at = (None if at is None else from_microseconds(at) for at in times)
    return OpenRun(run_id, rid, slot_at, queued_at, started_at, overdue)
