"""Statements of the hot paths: written and compiled once, run over many rows at little cost.

A statement is written in terms of `new`, the row it is given. SQLite, a library, runs it for each
row; PostgreSQL, a round trip away, runs it once over all of them, which arrive as arrays. So no two
rows of a call may meet: on PostgreSQL one does not see what another of them wrote.

What SQLAlchemy does anew for each row costs more than SQLite's insert itself: values go in and come
out as the driver has them (microseconds, JSON text).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Dialect,
    Integer,
    LargeBinary,
    Text,
    cast,
    column,
    func,
    literal_column,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.expression import ClauseElement
from sqlalchemy.types import TypeEngine

from dogwatch.store.tx import Tx
from dogwatch.store.types import Instant

Values = tuple[Any, ...]
Columns = Sequence[Column[Any]]
New = Mapping[str, ColumnElement[Any]]
Build = Callable[[New], ClauseElement]


class Bulk:
    """A statement for rows whose values stand in the order of `columns`."""

    def __init__(self, columns: Columns, build: Build) -> None:
        self._columns = columns
        self._build = build
        self._sql: dict[str, str] = {}

    def run(self, tx: Tx, rows: Sequence[Values]) -> None:
        """Run it for all rows; nothing without rows."""
        if rows:
            given = list(rows) if tx.dialect == "sqlite" else self._arrays(rows)
            tx.conn.exec_driver_sql(self._text(tx), given)

    def select(self, tx: Tx, rows: Sequence[Values]) -> list[Sequence[Any]]:
        """Return what it finds for all rows; their order counts on SQLite."""
        if not rows:
            return []
        if tx.dialect == "postgresql":
            return list(tx.conn.exec_driver_sql(self._text(tx), self._arrays(rows)))
        sql, cursor = self._text(tx), tx.conn.connection.cursor()
        return [found for row in rows for found in cursor.execute(sql, row)]

    def _arrays(self, rows: Sequence[Values]) -> dict[str, list[Any]]:
        arrays = map(list, zip(*rows, strict=True))
        return dict(zip((one.name for one in self._columns), arrays, strict=True))

    def _text(self, tx: Tx) -> str:
        if tx.dialect not in self._sql:
            make = _one_row if tx.dialect == "sqlite" else _many_rows
            self._sql[tx.dialect] = make(self._columns, self._build, tx.conn.dialect)
        return self._sql[tx.dialect]


def _one_row(columns: Columns, build: Build, dialect: Dialect) -> str:
    """Return the statement with SQLite's numbered parameters."""
    new: dict[str, ColumnElement[Any]] = {
        one.name: literal_column(f"?{place}") for place, one in enumerate(columns, 1)
    }
    return _sql(build(new), dialect)


def _many_rows(columns: Columns, build: Build, dialect: Dialect) -> str:
    """Return the statement with an array, in psycopg's binary form, for each column."""
    types = {one.name: plain(one.type) for one in columns}
    arrays = [cast(literal_column(f"<{name}>"), ARRAY(kind)) for name, kind in types.items()]
    names = [column(name, kind) for name, kind in types.items()]
    new = func.unnest(*arrays).table_valued(*names).render_derived("new")
    text = _sql(build(dict(new.c)), dialect)
    for name in types:
        text = text.replace(f"<{name}>", f"%({name})b")
    return text


def _sql(statement: ClauseElement, dialect: Dialect) -> str:
    return str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


def plain(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    """Return the type of a driver's value, without a length: a cast would cut in silence."""
    if isinstance(kind, BigInteger | Instant):
        return BigInteger()
    return next((own() for own in (Integer, LargeBinary) if isinstance(kind, own)), Text())
