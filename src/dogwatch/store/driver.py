"""Statements sent to the driver as they are, past what SQLAlchemy does for each of them."""

from typing import Any

from sqlalchemy import Connection
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError


def execute(conn: Connection, sql: str, given: Any = ()) -> DBAPICursor:
    """Return a cursor that ran `sql`; errors are SQLAlchemy's, without the values given."""
    cursor = conn.connection.cursor()
    try:
        cursor.execute(sql, given)
    except Exception as error:
        driver = conn.dialect.loaded_dbapi
        raise DBAPIError.instance(sql, None, error, driver.Error, hide_parameters=True) from error
    return cursor
