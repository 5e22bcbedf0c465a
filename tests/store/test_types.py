from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table, insert, select
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.exc import StatementError

from dogwatch.store.database import Database
from dogwatch.store.types import Instant, Json, from_microseconds, to_microseconds

SAMPLES = Table(
    "samples",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("at", Instant),
    Column("data", Json),
)
AWARE = st.datetimes(
    min_value=datetime(1000, 1, 1),  # noqa: DTZ001  (Hypothesis adds the zones)
    max_value=datetime(9000, 1, 1),  # noqa: DTZ001  (the same)
    timezones=st.sampled_from(
        [UTC, ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu"), timezone(timedelta(hours=-9))]
    ),
)
DIALECT = SQLiteDialect()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(AWARE)
def test_an_instant_survives_to_the_microsecond(at: datetime) -> None:
    stored = from_microseconds(to_microseconds(at))
    assert (stored - at.astimezone(UTC), stored.tzinfo) == (timedelta(0), UTC)


@given(st.integers(-(10**16), 10**17))
def test_every_count_of_microseconds_survives(count: int) -> None:
    assert to_microseconds(from_microseconds(count)) == count


@given(AWARE, AWARE)
def test_order_survives(one: datetime, other: datetime) -> None:
    one, other = one.astimezone(UTC), other.astimezone(UTC)
    assert (one < other) == (to_microseconds(one) < to_microseconds(other))


def test_both_types_go_through_the_database(database: Database) -> None:
    at = datetime(2026, 3, 29, 2, 30, 0, 123457, tzinfo=ZoneInfo("Europe/Berlin"))
    data = {"text": "nul \x00, half \ud800, ü", "list": [1, 2.5, None, True]}
    assert _through(database, at, data) == (at.astimezone(UTC), data)
    assert _through(database, None, None) == (None, None)


def _through(database: Database, at: datetime | None, data: Any) -> tuple[Any, Any]:
    """Store a row in a new table and read it back."""
    database.write(lambda tx: SAMPLES.drop(tx.conn, checkfirst=True)).result()
    database.write(lambda tx: SAMPLES.create(tx.conn)).result()
    database.write(lambda tx: tx.conn.execute(insert(SAMPLES).values(at=at, data=data))).result()
    found = select(SAMPLES.c.at, SAMPLES.c.data)
    row = database.read(lambda tx: tx.conn.execute(found).one()).result()
    return row.at, row.data


@given(JSON)
def test_json_is_compact_ascii_and_survives(value: Any) -> None:
    json = Json()
    text = json.process_bind_param(value, DIALECT)
    assert text is None or text.isascii()
    assert json.process_result_value(text, DIALECT) == value


def test_a_naive_datetime_is_refused(database: Database) -> None:
    database.write(lambda tx: SAMPLES.create(tx.conn)).result()
    naive = datetime(2026, 1, 1)  # noqa: DTZ001  (that is the point)
    with pytest.raises(StatementError, match="time zone"):
        database.write(lambda tx: tx.conn.execute(insert(SAMPLES).values(at=naive))).result()
