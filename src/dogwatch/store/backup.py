"""A copy of every row, in a form that either database can take back."""

import base64
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import MetaData, Table, func, insert, select, text

from dogwatch.store.tables import metadata
from dogwatch.store.tx import Tx

PAGE = 1_000
# What a copy must not bring along: who was alive, who was signed in, what was asked, and the
# revision, which the restorer sets.
LEFT_OUT = frozenset({"nodes", "sessions", "spent"})


def names() -> list[str]:
    """Return the tables of a copy, those others refer to first."""
    return [table.name for table in metadata.sorted_tables if table.name not in LEFT_OUT]


def rows(tx: Tx, name: str) -> Iterator[dict[str, Any]]:
    """Yield every row of a table as plain JSON values: integers, text, bytes as base64."""
    columns = ", ".join(f'"{column.name}"' for column in metadata.tables[name].columns)
    every = text(f'SELECT {columns} FROM "{name}"')  # noqa: S608  (names from our own tables)
    with tx.conn.execution_options(yield_per=PAGE).execute(every) as found:
        for row in found.mappings():
            yield {column: _plain(value) for column, value in row.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return {"base64": base64.b64encode(bytes(value)).decode()}
    return value


def targets(tx: Tx) -> Mapping[str, Table]:
    """Return the tables as they are in this store, which may be of an older revision."""
    found = MetaData()
    found.reflect(tx.conn, only=lambda name, _: name not in LEFT_OUT)
    return found.tables


def load(tx: Tx, table: Table, given: Iterable[Mapping[str, Any]]) -> int:
    """Insert rows into an empty table, as they were; return how many. ValueError: not its rows."""
    columns = set(table.columns.keys())
    count = 0
    page: list[dict[str, Any]] = []
    for row in given:
        if row.keys() != columns:
            raise ValueError(f"these are not the columns of {table.name}")
        page.append({column: _value(value) for column, value in row.items()})
        if len(page) == PAGE:
            tx.conn.execute(insert(table), page)
            count, page = count + PAGE, []
    if page:
        tx.conn.execute(insert(table), page)
    _set_sequence(tx, table)
    return count + len(page)


def _value(value: Any) -> Any:
    return base64.b64decode(value["base64"], validate=True) if isinstance(value, dict) else value


def _set_sequence(tx: Tx, table: Table) -> None:
    """Have PostgreSQL count on from the highest id; SQLite does so by itself."""
    column = table.autoincrement_column
    if tx.dialect == "postgresql" and column is not None:
        highest = tx.conn.scalar(select(func.max(column)))
        if highest is not None:
            sequence = func.pg_get_serial_sequence(table.name, column.name)
            tx.conn.execute(select(func.setval(sequence, highest)))


def is_empty(tx: Tx) -> bool:
    """Whether the store has nothing in it that a restore would mix with."""
    return not tx.conn.scalar(select(func.count()).select_from(metadata.tables["workspaces"]))
