"""Brings the tables of a database to a revision, in one transaction and once.

Alembic is imported by those who migrate only: it takes most of a second, and a server that finds
its tables as they should be does not need it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import URL, Connection, Engine, NullPool, inspect
from sqlalchemy.exc import DBAPIError, OperationalError

from dogwatch.core.problems import Problem
from dogwatch.store import sqlite
from dogwatch.store.database import Database, parse_url

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

HEAD: Final = "0022"
_LOCK: Final = 0x646F6777  # "dogw": one migration at a time on a PostgreSQL database

Where = str | Database


def upgrade(where: Where, revision: str = "head") -> None:
    """Bring `where` (a URL or an open database) forward to `revision`.

    Several processes may ask at once; one works, the others wait. A database that a newer
    Dogwatch wrote is a `Problem("refused")`; one that cannot be reached a `Problem("away")`.
    """
    if revision == "head" and is_current(where):
        return
    from alembic import command

    with _transaction(where) as conn:
        _refuse_newer(conn)
        command.upgrade(_config(conn), revision)


def make(where: Where) -> None:
    """Make the tables of an empty database; other tables than ours are a `Problem("refused")`."""
    at = current(where)
    if at is None:
        upgrade(where)
    elif at != HEAD:
        with _connection(where) as conn:
            _refuse_newer(conn)
        raise Problem(
            "refused",
            f"the database is at revision {at}, this program's is {HEAD}: stop all servers on it"
            " and run dogwatch migrate; until then, ask by the version that they are of",
        )


def downgrade(where: Where, revision: str) -> None:
    """Bring `where` back to `revision` ("base": no tables)."""
    from alembic import command

    with _transaction(where) as conn:
        _refuse_newer(conn)
        command.downgrade(_config(conn), revision)


def current(where: Where) -> str | None:
    """Return the revision of `where`, None before the first."""
    with _connection(where) as conn:
        return _current(conn)


def is_current(where: Where) -> bool:
    """Tell whether `where` has the tables that this program expects."""
    return current(where) == HEAD


def _config(conn: Connection | None = None) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "dogwatch.store:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = conn
    return config


def _scripts() -> "ScriptDirectory":
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config())


def _current(conn: Connection) -> str | None:
    if not inspect(conn).has_table("alembic_version"):
        return None
    revision: str | None = conn.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return revision


def _refuse_newer(conn: Connection) -> None:
    at = _current(conn)
    if at is not None and at not in {one.revision for one in _scripts().walk_revisions()}:
        raise Problem(
            "refused", f"a newer Dogwatch wrote this database (revision {at}): upgrade Dogwatch"
        )


def file_of(url: str) -> Path:
    """Return the real path of a SQLite database's file, its directory made where it is new."""
    path = sqlite.file_of(parse_url(url)).resolve()
    sqlite.create_file(path)
    return path


@contextmanager
def _connection(where: Where) -> Iterator[Connection]:
    engine = _engine(where.url if isinstance(where, Database) else parse_url(where))
    try:
        with engine.connect() as conn:
            yield conn
    except DBAPIError as error:
        reason = sqlite.reason(error) or "".join(str(error.orig).strip().splitlines()[:1])
        if not isinstance(error, OperationalError) and not sqlite.reason(error):
            raise
        raise Problem("away", f"the database cannot be opened now: {reason}") from error
    finally:
        engine.dispose()


@contextmanager
def _transaction(where: Where) -> Iterator[Connection]:
    """Yield a connection in the one transaction that migrates; it commits if all is well."""
    with _connection(where) as conn, conn.begin():
        if conn.dialect.name == "postgresql":
            conn.exec_driver_sql("SET LOCAL statement_timeout = 0")
            conn.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            conn.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        yield conn
        if conn.dialect.name == "sqlite":
            _check_references(conn)


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        sqlite.create_file(sqlite.file_of(url))
        return sqlite.engine_for(url, "BEGIN IMMEDIATE", sqlite.MIGRATION, poolclass=NullPool)
    from dogwatch.store import postgres

    return postgres.engine_for(url, poolclass=NullPool)


def _check_references(conn: Connection) -> None:
    """SQLite rebuilds a table by copying it, with foreign keys off: check them all at the end."""
    broken = conn.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise Problem("refused", f"the migration would break references of table {broken[0]}")
