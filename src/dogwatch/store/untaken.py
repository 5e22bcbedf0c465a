"""Turns of probes that nobody took, once whoever wanted to hear was told: until they are taken."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, delete, exists, insert, select, update

from dogwatch.store.tables import deliveries, probes, untaken
from dogwatch.store.tx import Tx

# (watch id, location, since when)
Turn = tuple[str, str, datetime]


@dataclass(frozen=True, slots=True)
class Taken:
    """A location that asks a watch again, since `asked_at`; at `told_at` we said it did not."""

    watch_id: str
    location: str
    since_at: datetime
    told_at: datetime
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Opening:
    """What became of the message to one channel that nobody asks."""

    channel_id: str
    state: str
    hold: str | None


_SAME = and_(
    *(untaken.c[name] == probes.c[name] for name in ("workspace_id", "watch_id", "location"))
)


def note(tx: Tx, workspace_id: int, turns: Sequence[Turn], at: datetime) -> None:
    """Remember that these were told of."""
    rows = [
        {"workspace_id": workspace_id, "watch_id": watch_id, "location": location,
         "since_at": since_at, "told_at": at}
        for watch_id, location, since_at in turns
    ]  # fmt: skip
    if rows:
        tx.conn.execute(insert(untaken), rows)


def taken(tx: Tx, location: str, at: datetime) -> None:
    """Note which of those at a location a node holds now."""
    held = exists().where(_SAME, probes.c.node_id.is_not(None))
    open_ones = (untaken.c.location == location, untaken.c.asked_at.is_(None))
    tx.conn.execute(update(untaken).where(*open_ones, held).values(asked_at=at))


def left_again(tx: Tx, workspace_id: int, before_at: datetime) -> None:
    """Forget that those were taken whose next turn was nobody's, either, since before a time."""
    late = exists().where(_SAME, probes.c.node_id.is_(None), probes.c.due_at < before_at)
    mine = (untaken.c.workspace_id == workspace_id, untaken.c.asked_at.is_not(None))
    tx.conn.execute(update(untaken).where(*mine, late).values(asked_at=None))


def taken_in(tx: Tx) -> list[int]:
    """Return the workspaces with turns that are taken again and nobody was told so."""
    found = select(untaken.c.workspace_id).where(untaken.c.asked_at.is_not(None)).distinct()
    return sorted(tx.conn.scalars(found))


def taken_again(tx: Tx, workspace_id: int, limit: int) -> Sequence[Taken]:
    """Return such turns of one workspace, by watch and by when they were told of."""
    columns = [untaken.c[name] for name in Taken.__slots__]
    mine = (untaken.c.workspace_id == workspace_id, untaken.c.asked_at.is_not(None))
    order = (untaken.c.watch_id, untaken.c.told_at, untaken.c.location)
    found = tx.conn.execute(select(*columns).where(*mine).order_by(*order).limit(limit))
    return [Taken(**row._mapping) for row in found]


def forget(tx: Tx, workspace_id: int, one: Taken) -> None:
    """Have one turn told of anew, should nobody take it again."""
    place = (untaken.c.watch_id == one.watch_id, untaken.c.location == one.location)
    tx.conn.execute(delete(untaken).where(untaken.c.workspace_id == workspace_id, *place))


def openings(
    tx: Tx, workspace_id: int, watch_id: str, times: Collection[datetime]
) -> Sequence[Opening]:
    """Return what was made at these times to tell of the turns of a watch."""
    mine = (deliveries.c.workspace_id == workspace_id, deliveries.c.watch_id == watch_id)
    told = (deliveries.c.event == "late", deliveries.c.created_at.in_(times))
    columns = [deliveries.c[name] for name in Opening.__slots__]
    return [
        Opening(**row._mapping) for row in tx.conn.execute(select(*columns).where(*mine, *told))
    ]
