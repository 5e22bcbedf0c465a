"""Statements of the hot paths: written and compiled once, run over many rows at little cost.

A statement is written in terms of `new`, the rows it is given, and runs once over all of them: they
arrive as arrays on PostgreSQL, a round trip away, and as VALUES on SQLite, whose driver lets other
threads in at every statement and has to wait for its turn again. So no two rows of a call may meet:
one does not see what another of them wrote.

What SQLAlchemy does anew for each row costs more than SQLite's insert itself: values go in and come
out as the driver has them (microseconds, JSON text).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from itertools import chain
from typing import Any, Final

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
    table,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.expression import ClauseElement
from sqlalchemy.types import TypeEngine

from dogwatch.store.driver import execute, pipelined
from dogwatch.store.tx import Tx
from dogwatch.store.types import Instant

Values = tuple[Any, ...]
Columns = Sequence[Column[Any]]
New = Mapping[str, ColumnElement[Any]]
Build = Callable[[New], ClauseElement]


ROWS_MAX: Final = 64
"""Rows of one statement on SQLite, where each number of rows is a statement of its own."""
_SLASH: Final = "\\"
_QUOTE: Final = '"', '\\"'


class Bulk:
    """A statement for rows whose values stand in the order of `columns`."""

    def __init__(self, columns: Columns, build: Build) -> None:
        self._columns = columns
        self._build = build
        self._words = {one.name: _words_of(one) for one in columns}
        self._sql: dict[tuple[str, int], str] = {}

    def run(self, tx: Tx, rows: Sequence[Values]) -> None:
        """Run it for all rows; nothing without rows."""
        for sql, given in self._statements(tx, rows):
            execute(tx.conn, sql, given).close()

    def select(self, tx: Tx, rows: Sequence[Values]) -> list[Sequence[Any]]:
        """Return what it finds for all rows; of more than `ROWS_MAX`, in the order of the parts."""
        found: list[Sequence[Any]] = []
        for sql, given in self._statements(tx, rows):
            cursor = execute(tx.conn, sql, given)
            found += cursor.fetchall()
            cursor.close()
        return found

    def _statements(self, tx: Tx, rows: Sequence[Values]) -> Iterator[tuple[str, Any]]:
        """Yield what to execute, text and parameters."""
        if tx.dialect == "sqlite":
            for part in _parts(rows):
                yield self._text(tx, len(part)), tuple(chain.from_iterable(part))
        elif rows:
            arrays = zip(self._words.items(), zip(*rows, strict=True), strict=True)
            yield self._text(tx, 0), {name: words(values) for (name, words), values in arrays}

    def _text(self, tx: Tx, count: int) -> str:
        text = self._sql.get((tx.dialect, count))
        if text is None:
            dialect = tx.conn.dialect
            text = (
                _values(self._columns, self._build, dialect, count)
                if count
                else _arrays(self._columns, self._build, dialect)
            )
            self._sql[tx.dialect, count] = text
        return text


@contextmanager
def together(tx: Tx) -> Iterator[None]:
    """Send what `run` is told inside the block in one round trip, and nothing else."""
    with pipelined(tx.conn) if tx.dialect == "postgresql" else nullcontext():
        yield


def _parts(rows: Sequence[Values]) -> Iterator[Sequence[Values]]:
    """Part rows into powers of two, so that few statements serve any number."""
    first = 0
    while left := len(rows) - first:
        size = min(1 << left.bit_length() - 1, ROWS_MAX)
        yield rows[first : first + size]
        first += size


def _values(columns: Columns, build: Build, dialect: Dialect, count: int) -> str:
    """Return the statement with VALUES of so many rows of parameters."""
    names = [one.name for one in columns]
    new = table("new", *(column(one.name, plain(one.type)) for one in columns))
    row = f"({', '.join('?' * len(names))})"
    values = ", ".join([row] * count)
    return f"WITH new({', '.join(names)}) AS (VALUES {values}) {_sql(build(dict(new.c)), dialect)}"


def _arrays(columns: Columns, build: Build, dialect: Dialect) -> str:
    """Return the statement with an array for each column."""
    types = {one.name: plain(one.type) for one in columns}
    arrays = [cast(literal_column(f"<{name}>"), ARRAY(kind)) for name, kind in types.items()]
    names = [column(name, kind) for name, kind in types.items()]
    new = func.unnest(*arrays).table_valued(*names).render_derived("new")
    text = _sql(build(dict(new.c)), dialect)
    for name in types:
        text = text.replace(f"<{name}>", f"%({name})s")
    return text


def _words_of(one: Column[Any]) -> Callable[[Values], str]:
    """Return what writes an array in PostgreSQL's words: psycopg takes several times as long."""
    kind = plain(one.type)
    if isinstance(kind, Text):
        return _texts
    return _blobs if isinstance(kind, LargeBinary) else _numbers


def _texts(values: Values) -> str:
    return _array(
        [
            "NULL" if value is None else f'"{value.replace(_SLASH, _SLASH * 2).replace(*_QUOTE)}"'
            for value in values
        ]
    )


def _blobs(values: Values) -> str:
    return _array(["NULL" if value is None else rf'"\\x{value.hex()}"' for value in values])


def _numbers(values: Values) -> str:
    return _array(["NULL" if value is None else str(value) for value in values])


def _array(elements: Sequence[str]) -> str:
    return f"{{{','.join(elements)}}}"


def _sql(statement: ClauseElement, dialect: Dialect) -> str:
    return str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


def plain(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    """Return the type of a driver's value, without a length: a cast would cut in silence."""
    if isinstance(kind, BigInteger | Instant):
        return BigInteger()
    return next((own() for own in (Integer, LargeBinary) if isinstance(kind, own)), Text())
