"""PostgreSQL as a backend: psycopg 3, a few writers, NOTIFY at most once per commit."""

from collections import deque
from typing import Final

import psycopg
from sqlalchemy import URL, Connection, Engine, NullPool, QueuePool, create_engine, event, text
from sqlalchemy.exc import DBAPIError

from dogwatch.core.problems import Problem
from dogwatch.store import walls
from dogwatch.store.backend import Fault
from dogwatch.store.tx import DialectName
from dogwatch.store.wakes import ALL_TOPICS

CHANNEL: Final = "dogwatch"
PAYLOAD_MAX: Final = 7900
"""PostgreSQL refuses payloads of 8000 bytes."""

_SETTINGS: Final = {
    "timezone": "UTC",
    "statement_timeout": "30s",
    # A node that stands still in a transaction, or is gone without a word, must not hold up others
    # for so long that they miss their own beats.
    "idle_in_transaction_session_timeout": "5s",
    "synchronous_commit": "on",
    walls.SETTING: walls.EVERY,
}
_CONFLICTS = frozenset({"40001", "40P01"})
_AWAY: Final = {
    "53100": "the disk is full",
    "53200": "it is out of memory",
    "53300": "it has too many connections",
    "57014": "a statement took too long",
}
_LOST_CLASSES = ("08", "57P", "25P03", "25P04")  # the last two: it took us for gone
# Another session may take writes: it meets the new primary, or settings that have changed.
_READ_ONLY = "25006"


def engine_for(url: URL, **options: object) -> Engine:
    """Return an engine whose sessions have our settings, and those of the URL."""
    settings = " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())
    given = url.query.get("options", "")
    arguments = {
        "options": f"{settings} {given if isinstance(given, str) else ' '.join(given)}".strip(),
        "application_name": "dogwatch",
        "connect_timeout": 3,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
    }
    return create_engine(url, connect_args=arguments, hide_parameters=True, **options)


class Postgres:
    """One PostgreSQL database."""

    dialect: DialectName = "postgresql"
    group_max = 32
    slice_s = 1.0  # who writes to the same rows waits for it

    def __init__(self, url: URL, readers: int, writers: int) -> None:
        self.writers = writers
        self._writer = engine_for(url, poolclass=NullPool)
        self._readers = engine_for(
            url, poolclass=QueuePool, pool_size=readers, max_overflow=0, pool_reset_on_return=None
        )
        event.listen(self._readers, "connect", _begun_by_us)
        self._writer_pids: deque[int] = deque(maxlen=writers)

    def connect(self) -> Connection:
        """Return a connection for a writer."""
        conn = self._writer.connect()
        self._writer_pids.append(driver_of(conn).info.backend_pid)
        return conn

    def connect_listener(self) -> Connection:
        """Return a connection that is in no transaction."""
        return self._writer.connect().execution_options(isolation_level="AUTOCOMMIT")

    def is_ours(self, note: psycopg.Notify) -> bool:
        """Tell whether one of our writers sent `note`, so that we know already."""
        return note.pid in self._writer_pids

    def connect_reader(self) -> Connection:
        """Return a connection whose transactions `begin_reading` begins."""
        return self._readers.connect()

    def fault(self, error: BaseException, *, reading: bool = False) -> Fault:
        """Return CONFLICT for deadlocks, AWAY where the connection or the primary is gone."""
        origin = error.orig if isinstance(error, DBAPIError) else error
        if not isinstance(origin, psycopg.Error):
            return Fault.OWN
        state = origin.sqlstate or ""
        if state in _CONFLICTS:
            return Fault.CONFLICT
        if state == _READ_ONLY and not reading:
            return Fault.AWAY
        # Without a state the driver itself lost the connection or found none.
        lost = not state and isinstance(origin, psycopg.OperationalError)
        return Fault.AWAY if lost or state.startswith(_LOST_CLASSES) else Fault.OWN

    def reason(self, error: BaseException) -> str | None:
        """Return what the server itself lacks, in words for its owner."""
        told = _AWAY.get(_state(error))
        return told and f"the database says that {told}"

    def explain(self, error: Exception) -> Exception:
        """Return a `Problem("away")` for what only time or an operator can mend."""
        fault = self.fault(error)
        if fault is Fault.AWAY:
            why = "takes no writes" if _state(error) == _READ_ONLY else "cannot be reached"
            return Problem("away", f"not saved: the database {why}")
        if fault is Fault.CONFLICT:
            return Problem("away", "not saved: too many others changed the same; try again")
        told = self.reason(error)
        return Problem("away", f"not saved: {told}") if told else error

    def explain_commit(self, error: Exception) -> Exception:
        """Return the truth about a connection lost in COMMIT: nobody knows."""
        if self.fault(error) is Fault.AWAY:
            return Problem("away", "the database went away while saving: it may be saved or not")
        return self.explain(error)

    def begin_reading(self, conn: Connection, workspace_id: int | None) -> None:
        """Begin, and say what shall be seen, in one round trip."""
        seen = () if workspace_id is None else (walls.seeing(workspace_id),)
        driver_of(conn).execute("; ".join((_BEGIN, *seen)).encode(), prepare=False)

    def confine(self, conn: Connection, workspace_id: int) -> None:
        """Have the database itself hold back the rows of other workspaces."""
        driver_of(conn).execute(walls.seeing(workspace_id).encode(), prepare=False)

    def mark(self, conn: Connection) -> None:
        """Set the savepoint."""
        driver_of(conn).execute("SAVEPOINT command")

    def mark_next(self, conn: Connection) -> None:
        """Release the savepoint and set it anew, in one round trip, with every workspace in sight.

        Going back to the mark does so, too: the sight was narrowed behind it.
        """
        driver_of(conn).execute(_NEXT, prepare=False)

    def back_to_mark(self, conn: Connection) -> None:
        """Roll back to the savepoint."""
        driver_of(conn).execute("ROLLBACK TO command")

    def announce(self, conn: Connection, topics: frozenset[str]) -> None:
        """Queue one NOTIFY, which PostgreSQL sends when the transaction commits."""
        payload = " ".join(sorted(topics))
        if len(payload.encode()) > PAYLOAD_MAX:
            payload = " ".join(ALL_TOPICS)
        conn.execute(_NOTIFY, {"channel": CHANNEL, "payload": payload})

    def tidy(self, conn: Connection) -> None:
        """Do nothing: the server looks after its files."""

    def close(self) -> None:
        """Close the readers; writers have closed their own."""
        self._readers.dispose()
        self._writer.dispose()


_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_NEXT = f"RELEASE command; {walls.seeing(None)}; SAVEPOINT command".encode()
_NOTIFY = text("SELECT pg_notify(:channel, :payload)")


def driver_of(conn: Connection) -> psycopg.Connection:
    """Return the psycopg connection beneath `conn`."""
    driver = conn.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


def _begun_by_us(driver: psycopg.Connection, _record: object) -> None:
    driver.autocommit = True


def _state(error: BaseException) -> str:
    origin = error.orig if isinstance(error, DBAPIError) else error
    return getattr(origin, "sqlstate", None) or ""
