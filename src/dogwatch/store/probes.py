"""Probes: whose turn it is at which location, and who asks right now."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    not_,
    or_,
    select,
    type_coerce,
    update,
)

from dogwatch.core.result import Outcome, Result
from dogwatch.store.bulk import Bulk, New, plain
from dogwatch.store.tables import probes, untaken
from dogwatch.store.tx import Tx
from dogwatch.store.types import decode, encode, from_microseconds, instant, microseconds

Key = tuple[int, str]
# Workspace, watch, location.
Place = tuple[int, str, str]


@dataclass(frozen=True, slots=True)
class Turn:
    """A probe that is due at a location, since `due_at`."""

    place: Place
    due_at: datetime

    @property
    def key(self) -> Key:
        """The watch."""
        return self.place[:2]


@dataclass(frozen=True, slots=True)
class Said:
    """What one location saw of a slot that is not settled yet."""

    slot_at: datetime | None
    result: Result | None


def arrange(tx: Tx, key: Key, locations: Sequence[str], due_at: datetime | None) -> None:
    """Have a watch asked at these locations from `due_at` on; what they saw is forgotten."""
    mine = and_(probes.c.workspace_id == key[0], probes.c.watch_id == key[1])
    tx.conn.execute(delete(probes).where(mine))
    add(tx, [(key, locations, due_at)])
    ours = (untaken.c.workspace_id == key[0], untaken.c.watch_id == key[1])
    tx.conn.execute(delete(untaken).where(*ours, untaken.c.location.not_in(locations)))


def add(tx: Tx, new: Iterable[tuple[Key, Sequence[str], datetime | None]]) -> None:
    """Have watches asked at places where they were not: each at these locations from a time on."""
    rows = [
        {"workspace_id": key[0], "watch_id": key[1], "location": one, "due_at": due_at}
        for key, locations, due_at in new
        for one in locations
    ]
    if rows:
        tx.conn.execute(insert(probes), rows)


def locations(tx: Tx, key: Key) -> Sequence[str]:
    """Return where a watch is asked."""
    mine = (probes.c.workspace_id == key[0], probes.c.watch_id == key[1])
    return tx.conn.scalars(select(probes.c.location).where(*mine).order_by(probes.c.location)).all()


def due(tx: Tx, location: str, at: datetime, limit: int) -> list[Turn]:
    """Return and lock probes that are due; on PostgreSQL, those no other node holds."""
    rows = tx.conn.execute(_DUE, {"at_location": location, "at": microseconds(at), "most": limit})
    return [Turn((row[0], row[1], row[2]), from_microseconds(row[3])) for row in rows]


_PLACE = (probes.c.workspace_id, probes.c.watch_id, probes.c.location)
_DUE_AT = type_coerce(probes.c.due_at, plain(probes.c.due_at.type))
_UNTIL = bindparam("at", type_=plain(probes.c.due_at.type))
_DUE = (
    select(*_PLACE, _DUE_AT)
    .where(
        probes.c.location == bindparam("at_location"),
        _DUE_AT <= _UNTIL,
    )
    .order_by(_DUE_AT)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)


def _there(new: New) -> Any:
    return and_(*(column == new[column.name] for column in _PLACE))


def hold(tx: Tx, turns: Collection[Turn], node_id: str) -> None:
    """Note that a node asks these now."""
    _HOLD.run(tx, sorted((*turn.place, node_id) for turn in turns))


_HOLD = Bulk(
    (*_PLACE, probes.c.node_id),
    lambda new: update(probes).where(_there(new)).values(node_id=new["node_id"], due_at=None),
)


def put_off(tx: Tx, turns: Mapping[Place, datetime | None]) -> None:
    """Have probes asked at another time; None: not any more."""
    _PUT_OFF.run(tx, sorted((*place, microseconds(at)) for place, at in turns.items()))


_PUT_OFF = Bulk(
    (*_PLACE, probes.c.due_at),
    lambda new: update(probes).where(_there(new)).values(due_at=new["due_at"]),
)


@dataclass(frozen=True, slots=True)
class Release:
    """A probe that was asked: when next, and what is still to be weighed against others."""

    place: Place
    node_id: str
    due_at: datetime | None
    said: Said = Said(None, None)


def release(tx: Tx, releases: Sequence[Release]) -> None:
    """Give probes back; those that are no longer held by that node stay as they are."""
    rows = [
        (
            *one.place,
            one.node_id,
            microseconds(one.due_at),
            microseconds(one.said.slot_at),
            encode(_values(one.said.result)) if one.said.result else None,
        )
        for one in sorted(releases, key=lambda one: one.place)
    ]
    _RELEASE.run(tx, rows)


_RELEASE = Bulk(
    (*_PLACE, probes.c.node_id, probes.c.due_at, probes.c.slot_at, probes.c.result),
    lambda new: (
        update(probes)
        .where(_there(new), probes.c.node_id == new["node_id"])
        .values(node_id=None, due_at=new["due_at"], slot_at=new["slot_at"], result=new["result"])
    ),
)


def said(tx: Tx, keys: Collection[Key]) -> dict[Key, dict[str, Said]]:
    """Return what each location of these watches saw last, if it is to be weighed."""
    found: dict[Key, dict[str, Said]] = {}
    for workspace_id, watch_id, location, slot_at, result in _SAID.select(tx, sorted(keys)):
        words = Said(instant(slot_at), _result(decode(result)) if result else None)
        found.setdefault((workspace_id, watch_id), {})[location] = words
    return found


_SAID = Bulk(
    _PLACE[:2],
    lambda new: select(
        *_PLACE,
        type_coerce(probes.c.slot_at, plain(probes.c.slot_at.type)),
        type_coerce(probes.c.result, plain(probes.c.result.type)),
    ).where(probes.c.workspace_id == new["workspace_id"], probes.c.watch_id == new["watch_id"]),
)


def free(tx: Tx, node_ids: Collection[str], at: datetime) -> int:
    """Have what these nodes asked for asked again at once; return how many that were."""
    held = update(probes).where(probes.c.node_id.in_(node_ids))
    return tx.conn.execute(held.values(node_id=None, due_at=at)).rowcount


def nodes_asking(tx: Tx) -> set[str]:
    """Return the ids of all nodes that hold a probe."""
    found = select(probes.c.node_id).where(probes.c.node_id.is_not(None)).distinct()
    return {node_id for node_id in tx.conn.scalars(found) if node_id}


def next_due_at(tx: Tx, location: str) -> datetime | None:
    """Return the earliest turn at a location."""
    earliest: datetime | None = tx.conn.scalar(
        select(func.min(probes.c.due_at)).where(probes.c.location == location)
    )
    return earliest


def stuck(tx: Tx, key: Key, before_at: datetime) -> Sequence[datetime | None]:
    """Return the turns of a watch that nobody took, None for one that will never come."""
    mine = (probes.c.workspace_id == key[0], probes.c.watch_id == key[1])
    late = or_(probes.c.due_at < before_at, probes.c.due_at.is_(None))
    found = select(probes.c.due_at).where(*mine, probes.c.node_id.is_(None), late)
    return tx.conn.scalars(found).all()


def unasked(tx: Tx, before_at: datetime) -> Sequence[tuple[str, datetime, int]]:
    """Return locations where turns passed that nobody took: (name, since when, how many)."""
    found = (
        select(probes.c.location, func.min(probes.c.due_at), func.count())
        .where(probes.c.node_id.is_(None), probes.c.due_at < before_at)
        .group_by(probes.c.location)
        .order_by(probes.c.location)
    )
    return [(row[0], row[1], row[2]) for row in tx.conn.execute(found)]


def unasked_of(tx: Tx, key: Key, before_at: datetime) -> Sequence[tuple[str, datetime]]:
    """Return the locations where a watch's turn has passed and nobody took it."""
    mine = (probes.c.workspace_id == key[0], probes.c.watch_id == key[1])
    late = (probes.c.node_id.is_(None), probes.c.due_at < before_at)
    found = select(probes.c.location, probes.c.due_at).where(*mine, *late)
    return [(row[0], row[1]) for row in tx.conn.execute(found.order_by(probes.c.location))]


def unwatched_in(tx: Tx, before_at: datetime) -> list[int]:
    """Return the workspaces with turns that nobody took and nobody was told of."""
    found = select(probes.c.workspace_id).where(_untold(before_at)).distinct()
    return sorted(tx.conn.scalars(found))


def unwatched(
    tx: Tx, workspace_id: int, before_at: datetime, limit: int
) -> Sequence[tuple[str, str, datetime]]:
    """Return such turns of one workspace: (watch id, location, since when)."""
    found = (
        select(probes.c.watch_id, probes.c.location, probes.c.due_at)
        .where(probes.c.workspace_id == workspace_id, _untold(before_at))
        .order_by(probes.c.watch_id, probes.c.location)
        .limit(limit)
    )
    return [(row[0], row[1], row[2]) for row in tx.conn.execute(found)]


def _untold(before_at: datetime) -> ColumnElement[bool]:
    told = exists().where(*(untaken.c[column.name] == column for column in _PLACE))
    return and_(probes.c.node_id.is_(None), probes.c.due_at < before_at, not_(told))


def ahead(tx: Tx, at: datetime) -> set[Key]:
    """Return the watches that are asked after `at`."""
    found = select(*_PLACE[:2]).where(probes.c.due_at > at).distinct()
    return {(row[0], row[1]) for row in tx.conn.execute(found)}


def _values(result: Result) -> list[Any]:
    return [
        str(result.outcome), result.reason, result.duration_ms, result.status_code,
        dict(result.phases_ms), result.error, result.detail, result.preview,
    ]  # fmt: skip


def _result(values: Sequence[Any]) -> Result:
    outcome, reason, duration_ms, status_code, phases_ms, error, detail, preview = values
    return Result(
        Outcome(outcome), reason, duration_ms, None, status_code, phases_ms, True, error, detail,
        preview,
    )  # fmt: skip
