"""Statements for many rows: the same values as SQLAlchemy would bind, on both databases."""

import pytest
from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import IntegrityError

from dogwatch.store.bulk import Bulk
from dogwatch.store.database import Database
from dogwatch.store.tables import outages
from dogwatch.store.types import Instant
from tests.harness.clock import START_AT

INSERT = Bulk(outages.insert(), ["start_at", "end_at", "reason"])
LENGTHEN = Bulk(
    update(outages)
    .where(outages.c.start_at == bindparam("from_at", type_=Instant), outages.c.reason != "kept")
    .values(end_at=bindparam("until", type_=Instant))
)


def row(reason: str | None) -> dict[str, object]:
    return {"start_at": START_AT, "end_at": START_AT, "reason": reason}


def test_rows_are_bound_as_their_columns_say(database: Database) -> None:
    database.write(lambda tx: INSERT.run(tx, [row("100 % sure"), row("ż")])).result()
    found = select(outages.c.start_at, outages.c.reason).order_by(outages.c.id)
    rows = database.read(lambda tx: tx.conn.execute(found).all()).result()
    assert [tuple(one) for one in rows] == [(START_AT, "100 % sure"), (START_AT, "ż")]


def test_constants_stay_and_no_rows_are_nothing(database: Database) -> None:
    later = START_AT.replace(hour=18)
    database.write(lambda tx: INSERT.run(tx, [row("kept"), row("not")])).result()
    database.write(lambda tx: LENGTHEN.run(tx, [])).result()
    database.write(lambda tx: LENGTHEN.run(tx, [{"from_at": START_AT, "until": later}])).result()
    found = select(outages.c.reason, outages.c.end_at).order_by(outages.c.id)
    rows = database.read(lambda tx: tx.conn.execute(found).all()).result()
    assert [tuple(one) for one in rows] == [("kept", START_AT), ("not", later)]


def test_a_refusal_is_the_same_error(database: Database) -> None:
    with pytest.raises(IntegrityError):
        database.write(lambda tx: INSERT.run(tx, [row(None)])).result()
