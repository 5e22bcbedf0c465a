"""Statements sent to the driver as they are, past what SQLAlchemy does for each of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError


def execute(conn: Connection, sql: str, given: Any = ()) -> DBAPICursor:
    """Return a cursor that ran `sql`."""
    cursor = conn.connection.cursor()
    with _explained(conn, sql):
        cursor.execute(sql, given)
    return cursor


@contextmanager
def pipelined(conn: Connection) -> Iterator[None]:
    """Have psycopg send the statements of the block without waiting for their results."""
    driver: Any = conn.connection.driver_connection
    with _explained(conn, "PIPELINE"), driver.pipeline():
        yield


@contextmanager
def _explained(conn: Connection, sql: str) -> Iterator[None]:
    """Make the driver's errors SQLAlchemy's, as everywhere, without the values given."""
    driver = conn.dialect.loaded_dbapi
    try:
        yield
    except driver.Error as error:
        raise DBAPIError.instance(sql, None, error, driver.Error, hide_parameters=True) from error
