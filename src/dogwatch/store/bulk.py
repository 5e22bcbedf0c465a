"""Statements of the hot paths: compiled once, then run for many rows past SQLAlchemy's own work.

What SQLAlchemy does anew for each row costs more than SQLite's insert itself.
"""

from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import Any

from sqlalchemy import BindParameter, Dialect
from sqlalchemy.sql.expression import ClauseElement

from dogwatch.store.tx import Tx

Row = Mapping[str, Any]


class Bulk:
    """A statement whose parameters are all given by name, in every row."""

    def __init__(self, statement: ClauseElement, names: Iterable[str] | None = None) -> None:
        """`names` are the columns of an insert that names none."""
        self._statement = statement
        self._names = None if names is None else list(names)
        self._compiled: dict[str, tuple[str, Callable[[Row], Any]]] = {}

    def run(self, tx: Tx, rows: Iterable[Row]) -> None:
        """Run it for each row, in one call of the driver; nothing without rows."""
        if tx.dialect not in self._compiled:
            self._compiled[tx.dialect] = self._compile(tx.conn.dialect)
        sql, bound = self._compiled[tx.dialect]
        if values := [bound(row) for row in rows]:
            tx.conn.exec_driver_sql(sql, values)

    def _compile(self, dialect: Dialect) -> tuple[str, Callable[[Row], Any]]:
        compiled: Any = self._statement.compile(dialect=dialect, column_keys=self._names)
        values = {name: _value(bind, dialect) for name, bind in compiled.binds.items()}
        if compiled.positiontup is None:
            pairs = list(values.items())
            return compiled.string, lambda row: {name: value(row) for name, value in pairs}
        in_order = [values[name] for name in compiled.positiontup]
        return compiled.string, lambda row: tuple([value(row) for value in in_order])


def _value(bind: BindParameter[Any], dialect: Dialect) -> Callable[[Row], Any]:
    """Return how a row gives the driver its value of one parameter."""
    name = bind.key
    convert = bind.type.dialect_impl(dialect).bind_processor(dialect)
    if not bind.required:
        constant = convert(bind.value) if convert else bind.value
        return lambda _row: constant
    if convert is None:
        return itemgetter(name)
    return lambda row: convert(row[name])
