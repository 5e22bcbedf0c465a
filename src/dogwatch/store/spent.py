"""What was spent of windows of requests. Rows are locked in one order, so that nodes never meet."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, true, tuple_
from sqlalchemy.sql.expression import ClauseElement

from dogwatch.core.limits import Mark
from dogwatch.store.bulk import Bulk, New
from dogwatch.store.tables import spent
from dogwatch.store.tx import INSERTS, Tx
from dogwatch.store.types import from_microseconds, to_microseconds

# Subject and period.
Place = tuple[str, str]
Lasting = tuple[Mark, datetime]

_KEY = (spent.c.subject, spent.c.period)


def _saving(make: Callable[..., Any]) -> Callable[[New], ClauseElement]:
    def build(new: New) -> ClauseElement:
        put = make(spent).from_select(list(new), select(*new.values()).where(true()))
        changed = {name: put.excluded[name] for name in ("at", "count", "over_at")}
        statement: ClauseElement = put.on_conflict_do_update(index_elements=_KEY, set_=changed)
        return statement

    return build


def _holding(new: New) -> ClauseElement:
    """Lock rows, made where they are missing: nobody can wait for a row that is not there."""
    put = INSERTS["postgresql"](spent).from_select(list(new), select(*new.values()).where(true()))
    held = put.on_conflict_do_update(index_elements=_KEY, set_={"count": spent.c.count})
    returned: ClauseElement = held.returning(*spent.c)
    return returned


_SAVE = {dialect: Bulk(list(spent.c), _saving(make)) for dialect, make in INSERTS.items()}
_HOLD = Bulk(list(spent.c), _holding)


def held(tx: Tx, places: Collection[Place]) -> dict[Place, Lasting]:
    """Lock places on PostgreSQL and return their marks; new ones are of the epoch."""
    rows = _HOLD.select(tx, [(*place, 0, 0, 0) for place in sorted(places)])
    return {
        (subject, period): (Mark(from_microseconds(at), count), from_microseconds(over_at))
        for subject, period, at, count, over_at in rows
    }


def save(tx: Tx, marks: Mapping[Place, Lasting]) -> None:
    """Write marks, each with the time from when on it says nothing any more."""
    _SAVE[tx.dialect].run(
        tx,
        [
            (*place, to_microseconds(mark.at), mark.count, to_microseconds(over_at))
            for place, (mark, over_at) in sorted(marks.items())
        ],
    )


def saved(tx: Tx) -> dict[Place, Lasting]:
    """Return all marks."""
    rows = tx.conn.execute(select(*spent.c))
    return {
        (subject, period): (Mark(at, count), over_at)
        for subject, period, at, count, over_at in rows
    }


def prune(tx: Tx, at: datetime) -> int:
    """Delete the marks that say nothing any more; return how many."""
    over = select(*_KEY).where(spent.c.over_at <= at).with_for_update(skip_locked=True)
    return tx.conn.execute(delete(spent).where(tuple_(*_KEY).in_(over))).rowcount
