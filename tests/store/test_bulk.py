"""Statements for many rows: the same rows on both databases, whichever way they got there."""

from datetime import datetime

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from dogwatch.store.bulk import Bulk
from dogwatch.store.database import Database
from dogwatch.store.tables import outages
from dogwatch.store.types import to_microseconds
from tests.harness.clock import START_AT

OUTAGE = (outages.c.start_at, outages.c.end_at, outages.c.reason)
INSERT = Bulk(OUTAGE, lambda new: insert(outages).from_select(list(new), select(*new.values())))
LENGTHEN = Bulk(
    OUTAGE[:2],
    lambda new: (
        update(outages)
        .where(outages.c.start_at == new["start_at"], outages.c.reason != "100 % kept")
        .values(end_at=new["end_at"])
    ),
)
BY_REASON = Bulk(
    [outages.c.reason],
    lambda new: (
        select(outages.c.reason, outages.c.id)
        .where(outages.c.reason == new["reason"])
        .order_by(outages.c.reason)
        .with_for_update(of=outages)
    ),
)
AT = to_microseconds(START_AT)


def row(reason: str | None, hours: int = 0) -> tuple[int, int, str | None]:
    at = AT + hours * 3_600_000_000
    return at, at, reason


def stored(database: Database) -> list[tuple[str, datetime]]:
    found = select(outages.c.reason, outages.c.end_at).order_by(outages.c.id)
    return database.read(
        lambda tx: [(one.reason, one.end_at) for one in tx.conn.execute(found)]
    ).result()


def test_rows_are_stored_in_their_order(database: Database) -> None:
    told = ["100 % sure", "ż <reason> :x ?1", "NULL", '{"a\\\\", b}\n', "\\"]
    rows = [*map(row, told), row("", hours=1)]
    database.write(lambda tx: INSERT.run(tx, rows)).result()
    later = START_AT.replace(hour=START_AT.hour + 1)
    assert stored(database) == [*((one, START_AT) for one in told), ("", later)]


def test_each_row_changes_its_own_and_constants_stay(database: Database) -> None:
    rows = [row("100 % kept"), row("one", hours=1), row("two", hours=2)]
    database.write(lambda tx: INSERT.run(tx, rows)).result()
    longer = [(at, at + hours) for hours, (at, *_) in enumerate(rows)]
    database.write(lambda tx: LENGTHEN.run(tx, longer)).result()
    changed = [to_microseconds(at) - rows[0][0] for _, at in stored(database)]
    assert changed == [0, 3_600_000_001, 7_200_000_002]


def test_rows_are_found_for_many_and_none(database: Database) -> None:
    database.write(lambda tx: INSERT.run(tx, [row("a"), row("b"), row("c")])).result()

    def found(*reasons: str) -> list[str]:
        wanted = [(reason,) for reason in reasons]
        return database.write(lambda tx: [one[0] for one in BY_REASON.select(tx, wanted)]).result()

    assert (found("a", "c", "z"), found("z"), found()) == (["a", "c"], [], [])


def test_no_rows_are_nothing(database: Database) -> None:
    database.write(lambda tx: LENGTHEN.run(tx, [])).result()
    assert stored(database) == []


def test_a_refusal_is_the_same_error(database: Database) -> None:
    with pytest.raises(IntegrityError):
        database.write(lambda tx: INSERT.run(tx, [row(None)])).result()
