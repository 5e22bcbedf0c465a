"""Rollups: tallies per watch and hour, folded into days once they are old; each slot is in one."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, select, true, tuple_, type_coerce

from dogwatch.core.statistics import Tally, merged
from dogwatch.store.bulk import Build, Bulk, New, Values, plain
from dogwatch.store.tables import rollups
from dogwatch.store.tx import INSERTS, Tx
from dogwatch.store.types import decode, encode, from_microseconds, to_microseconds

HOUR, DAY = "hour", "day"
# Workspace, watch, unit, start.
Place = tuple[int, str, str, datetime]

_KEY = (rollups.c.workspace_id, rollups.c.watch_id, rollups.c.unit, rollups.c.start_at)
_COUNTS = (rollups.c.ok, rollups.c.slow, rollups.c.bad, rollups.c.total_ms, rollups.c.buckets)
_PLAIN = [type_coerce(column, plain(column.type)) for column in (*_KEY, *_COUNTS)]


def hour_of(at: datetime) -> datetime:
    """Return when the hour of `at` began, in UTC."""
    return at.replace(minute=0, second=0, microsecond=0)


def add(tx: Tx, fresh: Mapping[Place, Tally]) -> None:
    """Add tallies to what is there; whoever adds to a watch has it locked."""
    rows = {_values(place): tally for place, tally in fresh.items()}
    known = {tuple(row[:4]): _tally(row[4:]) for row in _FIND.select(tx, sorted(rows))}
    totals = {
        key: merged([known[key], tally]) if key in known else tally for key, tally in rows.items()
    }
    _PUT[tx.dialect].run(tx, sorted((*key, *_counts(one)) for key, one in totals.items()))


def since(tx: Tx, workspace_id: int, watch_id: str, at: datetime) -> list[tuple[datetime, Tally]]:
    """Return the tallies of hours and days that began at `at` or later, oldest first."""
    found = select(rollups.c.start_at, *_PLAIN[4:]).where(
        rollups.c.workspace_id == workspace_id,
        rollups.c.watch_id == watch_id,
        rollups.c.start_at >= at,
    )
    rows = tx.conn.execute(found.order_by(rollups.c.start_at))
    return [(row[0], _tally(row[1:])) for row in rows]


def since_many(
    tx: Tx, workspace_id: int, watch_ids: Collection[str], at: datetime
) -> dict[str, list[tuple[datetime, Tally]]]:
    """Return the same of several watches of one workspace, by their ids."""
    found = select(rollups.c.watch_id, rollups.c.start_at, *_PLAIN[4:]).where(
        rollups.c.workspace_id == workspace_id,
        rollups.c.watch_id.in_(list(watch_ids)),
        rollups.c.start_at >= at,
    )
    told: dict[str, list[tuple[datetime, Tally]]] = {}
    for row in tx.conn.execute(found.order_by(rollups.c.start_at)):
        told.setdefault(row[0], []).append((row[1], _tally(row[2:])))
    return told


def fold(tx: Tx, before_at: datetime, limit: int) -> int:
    """Fold up to `limit` hours before `before_at` into their days; return how many."""
    oldest = (
        select(*_PLAIN)
        .where(rollups.c.unit == HOUR, rollups.c.start_at < before_at)
        .order_by(rollups.c.start_at)
        .limit(limit)
    )
    hours = tx.conn.execute(oldest).all()
    days: dict[Place, list[Tally]] = {}
    for row in hours:
        day_at = from_microseconds(row[3]).replace(hour=0)
        days.setdefault((row[0], row[1], DAY, day_at), []).append(_tally(row[4:]))
    add(tx, {place: merged(some) for place, some in days.items()})
    _DROP.run(tx, [tuple(row[:4]) for row in hours])
    return len(hours)


def prune(tx: Tx, before_at: datetime, limit: int) -> int:
    """Delete days that began before `before_at`; return how many."""
    old = select(*_KEY).where(rollups.c.unit == DAY, rollups.c.start_at < before_at).limit(limit)
    keys = [tuple(row) for row in tx.conn.execute(old)]
    if keys:
        tx.conn.execute(delete(rollups).where(tuple_(*_KEY).in_(keys)))
    return len(keys)


def _same(new: New) -> Any:
    return and_(*(column == new[column.name] for column in _KEY))


def _putting(make: Callable[..., Any]) -> Build:
    def build(new: New) -> Any:
        # SQLite takes ON for a join's where a SELECT has no WHERE.
        put = make(rollups).from_select(list(new), select(*new.values()).where(true()))
        changed = {column.name: put.excluded[column.name] for column in _COUNTS}
        return put.on_conflict_do_update(index_elements=list(_KEY), set_=changed)

    return build


_FIND = Bulk(_KEY, lambda new: select(*_PLAIN).where(_same(new)))
_PUT = {dialect: Bulk((*_KEY, *_COUNTS), _putting(make)) for dialect, make in INSERTS.items()}
_DROP = Bulk(_KEY, lambda new: delete(rollups).where(tuple_(*_KEY).in_(select(*new.values()))))


def _values(place: Place) -> Values:
    return (*place[:3], to_microseconds(place[3]))


def _counts(tally: Tally) -> Values:
    buckets = {str(bucket): count for bucket, count in tally.buckets.items()}
    return tally.ok, tally.slow, tally.bad, tally.total_ms, encode(buckets)


def _tally(row: Sequence[Any]) -> Tally:
    ok, slow, bad, total_ms, buckets = row
    counted = {int(bucket): count for bucket, count in decode(buckets).items()}
    return Tally(ok, slow, bad, total_ms, counted)
