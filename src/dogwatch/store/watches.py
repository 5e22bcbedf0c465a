"""Watches: their rows, as the state machine sees them."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Select,
    Update,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    tuple_,
    type_coerce,
    update,
)

from dogwatch.core.data import data
from dogwatch.core.problems import Problem
from dogwatch.core.schedule import parse_from
from dogwatch.core.slots import Plan
from dogwatch.core.watch import OpenRun, Status, Watch
from dogwatch.store.bulk import Bulk, New, Values, plain
from dogwatch.store.tables import ping_keys, watches
from dogwatch.store.tx import Tx
from dogwatch.store.types import (
    decode,
    encode,
    from_microseconds,
    instant,
    microseconds,
    to_microseconds,
)

Key = tuple[int, str]

# After this time a schedule that could not be followed is tried again.
FAULT_PAUSE = timedelta(hours=1)
MOST_DOWN_COUNTED = 10_000


@data()
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
    starts_at: datetime | None = None
    last_ping_at: datetime | None = None
    due_at: datetime | None = None
    fault: str = ""
    probe: bool = False
    workflow: bool = False

    @property
    def key(self) -> Key:
        """The primary key."""
        return self.workspace_id, self.id

    @property
    def traits(self) -> tuple[str, tuple[str, ...], str | None]:
        """Its id, tags and project: what rules and windows go by."""
        return self.id, self.tags, self.project

    @property
    def kind(self) -> str:
        """`heartbeat`, `job`, `probe` or `workflow`."""
        if self.probe or self.workflow:
            return "probe" if self.probe else "workflow"
        return "job" if self.watch.job else "heartbeat"


@data()
class Fallen:
    """A watch that is down, and since when."""

    id: str
    name: str
    tags: tuple[str, ...]
    since_at: datetime | None


@data()
class Down:
    """Watches that are down: some by name, and how many at least."""

    named: Sequence[Fallen] = ()
    count: int = 0


class State(NamedTuple):
    """What signals change of a watch."""

    watch: Watch
    last_ping_at: datetime | None
    due_at: datetime | None


def add(tx: Tx, *records: Record) -> None:
    """Insert watches and their ping keys; IntegrityError where a slug or a key is taken."""
    _ADD.run(tx, [_values(record) for record in records])
    keys = [
        {"key": one.ping_key, "workspace_id": one.workspace_id, "watch_id": one.id}
        for one in records
    ]
    if keys:
        tx.conn.execute(insert(ping_keys), keys)


def by_id(tx: Tx, workspace_id: int, watch_id: str, *, lock: bool = False) -> Record | None:
    """Return one watch by its id."""
    return _one(tx, _of(workspace_id).where(watches.c.id == watch_id), lock=lock)


def by_name(tx: Tx, workspace_id: int, name: str, *, lock: bool = False) -> Record | None:
    """Return one watch by its id or slug."""
    named = (watches.c.id == name) | (watches.c.slug == name)
    return _one(tx, _of(workspace_id).where(named), lock=lock)


def by_ids(tx: Tx, keys: Collection[Key]) -> dict[Key, Record]:
    """Return and lock the watches of these (workspace id, id), in the one order of all locks."""
    records = map(_record, _BY_ID.select(tx, sorted(keys)))
    return {record.key: record for record in records}


def seen(tx: Tx, keys: Collection[Key]) -> dict[Key, Record]:
    """Return the watches of these (workspace id, id), without a lock."""
    records = map(_record, _SEEN.select(tx, sorted(keys)))
    return {record.key: record for record in records}


def look(tx: Tx, workspace_id: int, watch_ids: Collection[str]) -> dict[str, Record]:
    """Return watches by id, without a lock."""
    found = _of(workspace_id).where(watches.c.id.in_(watch_ids))
    return {record.id: record for record in map(_record, tx.conn.execute(found))}


def keys_of_slugs(tx: Tx, slugs: Collection[tuple[int, str]]) -> dict[tuple[int, str], Key]:
    """Return the (workspace id, id) of the watches with these (workspace id, slug)."""
    if not slugs:
        return {}
    ids = select(watches.c.workspace_id, watches.c.slug, watches.c.id)
    found = ids.where(tuple_(watches.c.workspace_id, watches.c.slug).in_(list(slugs)))
    return {(row[0], row[1]): (row[0], row[2]) for row in tx.conn.execute(found)}


def by_ping_keys(tx: Tx, keys: Collection[str]) -> dict[str, Record]:
    """Return and lock the watches behind these public ping keys, in the one order of all locks."""
    rows = _BY_PING_KEY.select(tx, [(key,) for key in keys])
    return {key: _record(row) for key, *row in rows}


def keys_of_pings(tx: Tx, keys: Collection[str]) -> dict[str, Key]:
    """Return the (workspace id, id) of the watches behind these public ping keys."""
    rows = _KEY_OF_PING.select(tx, [(key,) for key in keys])
    return {key: (workspace_id, watch_id) for key, workspace_id, watch_id in rows}


def listed(
    tx: Tx, workspace_id: int, limit: int, after: str = "", **filters: Any
) -> Sequence[Record]:
    """Return watches oldest first from the one after id `after`; filters by column."""
    found = _of(workspace_id).where(watches.c.id > after, *_filters(filters))
    found = found.order_by(watches.c.id).limit(limit)
    return [_record(row) for row in tx.conn.execute(found)]


def numbered(
    tx: Tx, workspace_id: int, offset: int, limit: int, *, newest: bool = False, **filters: Any
) -> tuple[Sequence[Record], int]:
    """Return watches from the `offset`th one on, and how many there are; filters by column."""
    mine = [watches.c.workspace_id == workspace_id]
    mine += _filters(filters)
    order = watches.c.id.desc() if newest else watches.c.id
    found = _ROWS.where(*mine).order_by(order).offset(offset).limit(limit)
    total = tx.conn.scalar(select(func.count()).select_from(watches).where(*mine))
    return [_record(row) for row in tx.conn.execute(found)], int(total or 0)


def _filters(wanted: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    """Return the conditions that columns have these values; of a tuple, one of them."""
    return [
        watches.c[name].in_(value) if isinstance(value, tuple) else watches.c[name] == value
        for name, value in wanted.items()
    ]


def some(tx: Tx, choose: Callable[[Select[Any]], Select[Any]]) -> Sequence[Record]:
    """Return the watches that `choose` leaves of all."""
    return [_record(row) for row in tx.conn.execute(choose(_ROWS))]


def due(tx: Tx, at: datetime, limit: int) -> Sequence[Record]:
    """Return and lock watches whose hint has come; on PostgreSQL, those no other node holds."""
    return [_record(row) for row in tx.conn.execute(_DUE, {"at": at, "limit": limit})]


def next_due_at(tx: Tx) -> datetime | None:
    """Return the earliest hint of any watch."""
    earliest: datetime | None = tx.conn.scalar(_NEXT_DUE)
    return earliest


def look_again(tx: Tx, records: Iterable[Record], at: datetime) -> None:
    """Have the sweeper look at these watches not before `at`."""
    keys = [record.key for record in records]
    these = tuple_(watches.c.workspace_id, watches.c.id).in_(keys)
    if keys:
        tx.conn.execute(update(watches).where(these).values(due_at=at))


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


def slugs(tx: Tx, workspace_id: int, limit: int) -> Sequence[str]:
    """Return the slugs of a workspace by the alphabet, so many at most."""
    found = select(watches.c.slug).where(watches.c.workspace_id == workspace_id)
    return tx.conn.scalars(found.order_by(watches.c.slug).limit(limit)).all()


def count(tx: Tx, workspace_id: int) -> int:
    """Return how many watches a workspace has."""
    mine = select(func.count()).where(watches.c.workspace_id == workspace_id)
    return int(tx.conn.scalar(mine) or 0)


def count_by_status(tx: Tx) -> Mapping[str, int]:
    """Return how many watches there are in each status, over all workspaces."""
    found = select(watches.c.status, func.count()).group_by(watches.c.status)
    return {row[0]: row[1] for row in tx.conn.execute(found)}


def save_states(tx: Tx, changed: Iterable[tuple[Record, State]]) -> None:
    """Write back the states of watches that this transaction has locked.

    A hint that stays is left out: SQLite would write its index all the same.
    """
    kept: list[Values] = []
    moved: list[Values] = []
    for record, state in changed:
        values = (*record.key, *_state(state))
        if state.due_at == record.due_at:
            kept.append(values[:-1])
        else:
            moved.append(values)
    _SAVE_BUT_HINT.run(tx, kept)
    _SAVE_STATE.run(tx, moved)


def save(tx: Tx, record: Record) -> None:
    """Write back a whole watch; IntegrityError where the slug is taken."""
    _SAVE.run(tx, [_values(record)])


def remove(tx: Tx, record: Record) -> None:
    """Delete the watch and all that hangs on it."""
    tx.conn.execute(
        delete(watches).where(
            watches.c.workspace_id == record.workspace_id, watches.c.id == record.id
        )
    )


# --- rows -------------------------------------------------------------------------------------


_KEY = (watches.c.workspace_id, watches.c.id)
_NAMED = (
    *_KEY, watches.c.slug, watches.c.name, watches.c.description, watches.c.kind, watches.c.tags,
    watches.c.project, watches.c.ping_key, watches.c.schedule, watches.c.timezone,
    watches.c.starts_at,
)  # fmt: skip
_LIMITS = (
    watches.c.start_by_s, watches.c.finish_by_s, watches.c.slow_after_ms,
    watches.c.min_duration_ms, watches.c.early_s, watches.c.failures_before_down,
    watches.c.successes_before_up,
)  # fmt: skip
_STATE = (
    watches.c.status, watches.c.since_at, watches.c.slot_at, watches.c.unheard, watches.c.open,
    watches.c.recent, watches.c.failures, watches.c.successes, watches.c.heard_at,
    watches.c.heard, watches.c.ok_at, watches.c.duration_ms,
    watches.c.last_ping_at, watches.c.due_at,
)  # fmt: skip
_MADE = (watches.c.created_at, watches.c.updated_at, watches.c.ledger_from_at)
_COLUMNS = (*_NAMED, *_LIMITS, *_STATE, *_MADE)
# Every ping reads and writes its watch: the values pass as the driver has them.
_ROWS = select(*(type_coerce(column, plain(column.type)) for column in _COLUMNS))
_DUE = (
    _ROWS.where(watches.c.due_at <= bindparam("at"))
    .order_by(watches.c.due_at)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_NEXT_DUE = select(func.min(watches.c.due_at))


_NAMES_WATCH = and_(
    ping_keys.c.workspace_id == watches.c.workspace_id, ping_keys.c.watch_id == watches.c.id
)


def _where(new: New) -> ColumnElement[bool]:
    return and_(*(column == new[column.name] for column in _KEY))


def _locked(found: Select[Any]) -> Select[Any]:
    """Lock watches in order; rows that refer to them may be written all the while."""
    return found.order_by(*_KEY).with_for_update(of=watches, key_share=True)


_BY_ID = Bulk(_KEY, lambda new: _locked(_ROWS.where(_where(new))))
_SEEN = Bulk(_KEY, lambda new: _ROWS.where(_where(new)))
_KEY_OF_PING = Bulk(
    [ping_keys.c.key],
    lambda new: select(ping_keys.c.key, ping_keys.c.workspace_id, ping_keys.c.watch_id).where(
        ping_keys.c.key == new["key"]
    ),
)
_BY_PING_KEY = Bulk(
    [ping_keys.c.key],
    lambda new: _locked(
        select(ping_keys.c.key, *_ROWS.selected_columns)
        .join_from(ping_keys, watches, _NAMES_WATCH)
        .where(ping_keys.c.key == new["key"])
    ),
)
_ADD = Bulk(_COLUMNS, lambda new: insert(watches).from_select(list(new), select(*new.values())))
_SAVE = Bulk(_COLUMNS, lambda new: _update(new, _COLUMNS[len(_KEY) :]))
_SAVE_BUT_HINT = Bulk((*_KEY, *_STATE[:-1]), lambda new: _update(new, _STATE[:-1]))
_SAVE_STATE = Bulk((*_KEY, *_STATE), lambda new: _update(new, _STATE))


def _update(new: New, columns: Sequence[Column[Any]]) -> Update:
    changed = {column.name: new[column.name] for column in columns}
    return update(watches).where(_where(new)).values(changed)


def _of(workspace_id: int) -> Select[Any]:
    return _ROWS.where(watches.c.workspace_id == workspace_id)


def _one(tx: Tx, found: Select[Any], *, lock: bool) -> Record | None:
    row = tx.conn.execute(found.with_for_update() if lock else found).first()
    return _record(row) if row else None


def _record(row: Sequence[Any]) -> Record:
    """Read a row of `_COLUMNS`."""
    (
        workspace_id, watch_id, slug, name, description, kind, tags, project, ping_key, schedule,
        timezone, starts, *values,
    ) = row  # fmt: skip
    last_ping_at, due_at, *made = values[-5:]
    created_at, updated_at, ledger_from_at = map(from_microseconds, made)
    limits, state, fault = values[:7], values[7:19], ""
    try:
        plan = _plan(schedule, timezone, starts, *limits)
    except Problem as problem:  # one watch must not spoil the batch it is in
        plan, fault = Plan(None, *limits), problem.message
    return Record(
        workspace_id,
        watch_id,
        slug,
        name,
        ping_key,
        _watch(plan, kind != "heartbeat", state),
        created_at,
        updated_at,
        ledger_from_at,
        description,
        tuple(_list(tags)),
        project,
        schedule,
        timezone,
        instant(starts),
        instant(last_ping_at),
        instant(due_at),
        fault,
        kind == "probe",
        kind == "workflow",
    )


@lru_cache(maxsize=16_384)
def _plan(schedule: str | None, timezone: str, starts: int | None, *limits: Any) -> Plan:
    return Plan(parse_from(schedule, timezone, instant(starts)) if schedule else None, *limits)


def _watch(plan: Plan, job: bool, state: Sequence[Any]) -> Watch:
    (
        status, since_at, slot_at, unheard, open_runs, recent, failures, successes, heard_at,
        heard, ok_at, duration_ms,
    ) = state  # fmt: skip
    return Watch(
        plan,
        job,
        Status(status),
        instant(since_at),
        instant(slot_at),
        tuple(map(from_microseconds, _list(unheard))),
        tuple(map(_open_run, _list(open_runs))),
        tuple(_list(recent)),
        failures,
        successes,
        instant(heard_at),
        heard,
        instant(ok_at),
        duration_ms,
    )


def _state(state: State) -> Values:
    """Return the values of `_STATE`."""
    watch, last_ping_at, due_at = state
    return (
        str(watch.status),
        microseconds(watch.since_at),
        microseconds(watch.slot_at),
        _text([to_microseconds(slot) for slot in watch.unheard]),
        _text([_open_values(run) for run in watch.open]),
        _texts(watch.recent),
        watch.failures,
        watch.successes,
        microseconds(watch.heard_at),
        watch.heard,
        microseconds(watch.ok_at),
        watch.duration_ms,
        microseconds(last_ping_at),
        microseconds(due_at),
    )


def _values(record: Record) -> Values:
    """Return the values of `_COLUMNS`."""
    plan = record.watch.plan
    return (
        record.workspace_id,
        record.id,
        record.slug,
        record.name,
        record.description,
        record.kind,
        _texts(record.tags),
        record.project,
        record.ping_key,
        record.schedule,
        record.timezone,
        microseconds(record.starts_at),
        *(getattr(plan, column.name) for column in _LIMITS),
        *_state(State(record.watch, record.last_ping_at, record.due_at)),
        to_microseconds(record.created_at),
        to_microseconds(record.updated_at),
        to_microseconds(record.ledger_from_at),
    )


def _open_values(run: OpenRun) -> list[Any]:
    times = (run.slot_at, run.queued_at, run.started_at)
    return [run.id, run.rid, *map(microseconds, times), run.overdue]


def _open_run(values: Sequence[Any]) -> OpenRun:
    run_id, rid, *times, overdue = values
    slot_at, queued_at, started_at = map(instant, times)
    return OpenRun(run_id, rid, slot_at, queued_at, started_at, overdue)


def _list(text: str) -> list[Any]:
    return [] if text == "[]" else decode(text)


def _text(values: Sequence[Any]) -> str:
    return encode(values) if values else "[]"


def _texts(values: Sequence[str]) -> str:
    """Return a list of strings as `_text` does, without what an encoder costs to begin."""
    return f"[{','.join(map(encode_basestring_ascii, values))}]"


def down(tx: Tx, workspace_id: int, limit: int, besides: Collection[str] = ()) -> Down:
    """Return the watches of a workspace that are down, `limit` of them by name, others `besides`.

    `besides` are few: each is a parameter.
    """
    # The words of the index's own condition, so that both databases see that it serves.
    columns = watches.c.id, watches.c.name, watches.c.tags, watches.c.since_at
    found = select(*columns).where(watches.c.workspace_id == workspace_id, text("status = 'down'"))
    if besides:
        found = found.where(watches.c.id.not_in(besides))
    counted = select(func.count()).select_from(found.limit(MOST_DOWN_COUNTED).subquery())
    named = tx.conn.execute(found.order_by(watches.c.id).limit(limit)).all()
    count = len(named) if len(named) < limit else int(tx.conn.scalar(counted) or 0)
    fallen = [Fallen(row.id, row.name, tuple(row.tags), row.since_at) for row in named]
    return Down(fallen, count)
