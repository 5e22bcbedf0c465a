"""Nodes and their beats, the gaps in which no node beat, and facts of the whole instance."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import BigInteger, bindparam, delete, func, insert, select, type_coerce, update

from dogwatch.core.slots import Gap
from dogwatch.store.bulk import Bulk
from dogwatch.store.tables import instance, nodes, outages
from dogwatch.store.tx import INSERTS, Tx
from dogwatch.store.types import from_microseconds, to_microseconds

# The reason of a gap in which the store that this one was copied from went on.
RESTORED = "restored from a backup"


def shared_now(tx: Tx) -> datetime | None:
    """Return the time by the database's clock; None where it is our own."""
    if tx.dialect == "sqlite":
        return None
    now: datetime = tx.conn.execute(select(func.clock_timestamp())).scalar_one()
    return now


def join(tx: Tx, node_id: str, name: str, at: datetime) -> None:
    """Add a node, alive at `at`."""
    tx.conn.execute(insert(nodes).values(id=node_id, name=name, started_at=at, beat_at=at))


def beat(tx: Tx, node_id: str, at: datetime, unfolded_at: datetime | None = None) -> bool:
    """Note that a node is alive; False if it has been declared dead."""
    given = {"node": node_id, "at": at, "since_at": unfolded_at}
    return tx.conn.execute(_BEAT, given).rowcount > 0


# Built once: every beat and every judgement of the sweeper runs these.
_BEAT = (
    update(nodes)
    .where(nodes.c.id == bindparam("node"))
    .values(beat_at=bindparam("at"), unfolded_at=bindparam("since_at"))
)
_NEWEST = select(func.max(nodes.c.beat_at))
_BEAT_AT = select(nodes.c.beat_at).where(nodes.c.id == bindparam("node"))
_MARKS = select(nodes.c.beat_at, nodes.c.unfolded_at).where(nodes.c.beat_at >= bindparam("at"))


def last_beat_at(tx: Tx) -> datetime | None:
    """Return the newest beat of any node, None before the first start ever."""
    newest: datetime | None = tx.conn.scalar(_NEWEST)
    return newest


def beat_at(tx: Tx, node_id: str) -> datetime | None:
    """Return the last beat of one node, None if it is not known."""
    return tx.conn.scalar(_BEAT_AT, {"node": node_id})


def marks(tx: Tx, since_at: datetime) -> Sequence[tuple[datetime, datetime | None]]:
    """Return (last beat, oldest unfolded ping) of the nodes that beat since `since_at`."""
    rows = tx.conn.execute(_MARKS, {"at": since_at})
    return [(row.beat_at, row.unfolded_at) for row in rows]


def silent_since(tx: Tx, at: datetime) -> set[str]:
    """Return the nodes whose last beat is before `at`."""
    return set(tx.conn.scalars(select(nodes.c.id).where(nodes.c.beat_at < at)))


def known(tx: Tx) -> set[str]:
    """Return the ids of all nodes."""
    return set(tx.conn.scalars(select(nodes.c.id)))


def rewind(tx: Tx, at: datetime) -> None:
    """Bring beats and gaps that a clock set back left in the future to `at`."""
    tx.conn.execute(update(nodes).where(nodes.c.beat_at > at).values(beat_at=at))
    tx.conn.execute(delete(outages).where(outages.c.start_at >= at))
    tx.conn.execute(update(outages).where(outages.c.end_at > at).values(end_at=at))


def leave(tx: Tx, node_ids: Collection[str]) -> None:
    """Remove nodes."""
    tx.conn.execute(delete(nodes).where(nodes.c.id.in_(node_ids)))


def add_gap(tx: Tx, gap: Gap, reason: str) -> None:
    """Record a time in which nobody listened."""
    tx.conn.execute(insert(outages).values(start_at=gap.start_at, end_at=gap.end_at, reason=reason))


def gaps(tx: Tx, since_at: datetime) -> Sequence[Gap]:
    """Return the gaps that ended after `since_at`, oldest first."""
    rows = _GAPS.select(tx, [(to_microseconds(since_at),)])
    return [
        Gap(from_microseconds(start), from_microseconds(end), reason == RESTORED)
        for start, end, reason in rows
    ]


# Every batch of pings asks this.
_GAPS = Bulk(
    [outages.c.end_at],
    lambda new: (
        select(
            *(type_coerce(one, BigInteger()) for one in (outages.c.start_at, outages.c.end_at)),
            outages.c.reason,
        )
        .where(outages.c.end_at > new["end_at"])
        .order_by(outages.c.id)
    ),
)


def fact(tx: Tx, name: str) -> str | None:
    """Return a fact of the instance."""
    return tx.conn.scalar(select(instance.c.value).where(instance.c.name == name))


def drop_fact(tx: Tx, name: str) -> bool:
    """Remove a fact of the instance; return whether it was there: of rivals, one removes it."""
    return bool(tx.conn.execute(delete(instance).where(instance.c.name == name)).rowcount)


def claim_fact(tx: Tx, name: str, value: str) -> str:
    """Write a fact unless it is written; return what it is then, whoever wrote it, and lock it."""
    made = INSERTS[tx.dialect](instance).values(name=name, value=value)
    tx.conn.execute(made.on_conflict_do_nothing())
    known = select(instance.c.value).where(instance.c.name == name).with_for_update()
    return str(tx.conn.execute(known).scalar_one())


def set_fact(tx: Tx, name: str, value: str) -> None:
    """Write a fact of the instance."""
    changed = update(instance).where(instance.c.name == name).values(value=value)
    if not tx.conn.execute(changed).rowcount:
        tx.conn.execute(insert(instance).values(name=name, value=value))
