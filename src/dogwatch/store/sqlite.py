"""SQLite as a backend: WAL, full durability, one writer that alone checkpoints."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, NullPool, QueuePool, create_engine, event
from sqlalchemy.exc import DBAPIError

from dogwatch import directory
from dogwatch.core.problems import Problem
from dogwatch.store.backend import Fault
from dogwatch.store.driver import execute
from dogwatch.store.tx import DialectName

WAL_CALM_BYTES: Final = 64 * 1024 * 1024
"""A write-ahead log beyond this is pressed back to its start."""

_COMMON = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY")
_WRITER = ("busy_timeout=1000", "wal_autocheckpoint=1000", "cache_size=-65536")
_READER = ("busy_timeout=5000", "wal_autocheckpoint=0", "cache_size=-8192", "query_only=ON")
MIGRATION: Final = (
    "busy_timeout=30000",
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=OFF",
)
"""Without foreign keys, since a table is altered by dropping it once it is copied."""

_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_AWAY: Final = {
    sqlite3.SQLITE_BUSY: "another program keeps the database locked",
    sqlite3.SQLITE_LOCKED: "another program keeps the database locked",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
    sqlite3.SQLITE_READONLY: "the database file is read-only",
    sqlite3.SQLITE_CANTOPEN: "the database file cannot be opened",
    sqlite3.SQLITE_CORRUPT: "the database file is damaged; restore a backup",
    sqlite3.SQLITE_NOTADB: "the file is not a database; restore a backup",
}


def file_of(url: URL) -> Path:
    """Return the path of the database file; a database in memory is a Problem."""
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise Problem("invalid", "the SQLite database needs a file: sqlite:////path/to/dogwatch.db")
    return Path(url.database)


def create_file(path: Path) -> None:
    """Make the file readable to its owner alone, in a directory that is so if it is new.

    One that is there is never opened: closing it would drop the locks that SQLite holds on it in
    this process (fcntl(2)), and the next program to close it would take the log away from us.
    """
    try:
        directory.make(path.parent)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise Problem("refused", f"cannot open the database {path}: {error.strerror}") from error


def engine_for(url: URL, begin: str, pragmas: tuple[str, ...], **options: Any) -> Engine:
    """Return an engine whose transactions start with `begin`; the driver begins none itself."""
    arguments = {"isolation_level": None, "check_same_thread": False, "timeout": 5.0}
    engine = create_engine(url, connect_args=arguments, hide_parameters=True, **options)

    @event.listens_for(engine, "connect")
    def prepare(driver: sqlite3.Connection, _record: object) -> None:
        for pragma in pragmas:
            driver.execute(f"PRAGMA {pragma}")

    event.listen(engine, "begin", _statement(begin))
    # The driver's commit() keeps silent where a full disk has already rolled back: COMMIT speaks.
    event.listen(engine, "commit", _statement("COMMIT"))
    return engine


def _statement(sql: str) -> Callable[[Connection], None]:
    def send(conn: Connection) -> None:
        execute(conn, sql).close()

    return send


class Sqlite:
    """One file, one writer, some readers."""

    dialect: DialectName = "sqlite"
    writers = 1
    group_max = 256
    slice_s = 0.025  # everybody waits for it: there is one writer

    def __init__(self, url: URL, readers: int) -> None:
        self._path = file_of(url)
        create_file(self._path)
        self._wal = Path(f"{self._path}-wal")
        self._wal_limit = WAL_CALM_BYTES
        self._writer = engine_for(url, "BEGIN IMMEDIATE", _COMMON + _WRITER, poolclass=NullPool)
        self._readers = engine_for(
            url, "BEGIN", _COMMON + _READER, poolclass=QueuePool, pool_size=readers, max_overflow=0
        )

    def connect(self) -> Connection:
        """Return the writer's connection."""
        return self._writer.connect()

    def connect_reader(self) -> Connection:
        """Return a connection that refuses to write."""
        return self._readers.connect()

    def fault(self, error: BaseException, *, reading: bool = False) -> Fault:
        """Return AWAY while another program holds the lock, else OWN."""
        return Fault.AWAY if _code(error) in _BUSY else Fault.OWN

    def reason(self, error: BaseException) -> str | None:
        """Return what is wrong with the file or its disk."""
        return reason(error)

    def explain(self, error: Exception) -> Exception:
        """Return a `Problem("away")` for what the file or its disk cannot do now."""
        told = reason(error)
        return Problem("away", f"not saved: {told}") if told else error

    def explain_commit(self, error: Exception) -> Exception:
        """Return the same: a COMMIT that failed saved nothing."""
        return self.explain(error)

    def begin_reading(self, conn: Connection, workspace_id: int | None) -> None:
        """Do nothing: the engine has begun."""

    def confine(self, conn: Connection, workspace_id: int) -> None:
        """Do nothing: SQLite has no such wall."""

    def mark(self, conn: Connection) -> None:
        """Set the savepoint."""
        _driver(conn).execute("SAVEPOINT command")

    def mark_next(self, conn: Connection) -> None:
        """Release the savepoint and set it anew."""
        driver = _driver(conn)
        driver.execute("RELEASE command")
        driver.execute("SAVEPOINT command")

    def back_to_mark(self, conn: Connection) -> None:
        """Roll back to the savepoint."""
        _driver(conn).execute("ROLLBACK TO command")

    def announce(self, conn: Connection, topics: frozenset[str]) -> None:
        """Do nothing: other processes on this file look again by themselves."""

    def tidy(self, conn: Connection) -> None:
        """Press the log back when readers that overlap let it grow beyond its limit."""
        size = _size(self._wal)
        if size <= self._wal_limit:
            return
        busy = _press_back(_driver(conn), patience_ms=100)
        self._wal_limit = size + WAL_CALM_BYTES if busy else WAL_CALM_BYTES

    def close(self) -> None:
        """Close the readers, then move the whole log into the database file."""
        self._readers.dispose()
        try:
            with self._writer.connect() as conn:
                _press_back(_driver(conn), patience_ms=200)
        except (DBAPIError, sqlite3.Error):
            pass  # the log keeps every commit; the next one to open it goes on from there
        self._writer.dispose()


def reason(error: BaseException) -> str | None:
    """Return what is wrong with the file or its disk, in words for its owner."""
    return _AWAY.get(_code(error))


def _driver(conn: Connection) -> sqlite3.Connection:
    driver = conn.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def _press_back(driver: sqlite3.Connection, patience_ms: int) -> bool:
    """Move the log into the database file and empty it; return whether readers prevented it."""
    driver.execute(f"PRAGMA busy_timeout={patience_ms}")
    busy: int = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    driver.execute(f"PRAGMA {_WRITER[0]}")
    return bool(busy)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _code(error: BaseException) -> int:
    """Return SQLite's primary result code, 0 if `error` has none."""
    origin = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(origin, "sqlite_errorcode", 0)
    return int(code) & 0xFF
