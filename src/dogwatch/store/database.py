"""The door to the store: functions of a transaction go in, futures come out."""

import asyncio
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Self, TypeVar

from sqlalchemy import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError

from dogwatch.clock import Clock, SystemClock
from dogwatch.core.problems import Problem
from dogwatch.store.backend import Backend, Fault
from dogwatch.store.sqlite import Sqlite
from dogwatch.store.tx import DialectName, Tx
from dogwatch.store.wakes import ALL_TOPICS, Listener, Wakes
from dogwatch.store.writer import Command, Queue, Writer

__all__ = ["ALL_TOPICS", "Database", "Tx", "parse_url"]

T = TypeVar("T")

_DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
}


def parse_url(url: str) -> URL:
    """Return `url` with the driver we use; one that we cannot use is a Problem without secrets."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise Problem("invalid", "the database URL is not understood") from error
    driver = _DRIVERS.get(parsed.drivername.partition("+")[0])
    if driver is None:
        raise Problem("invalid", "the database URL begins with sqlite:// or postgresql://")
    return parsed.set(drivername=driver)


def _backend_for(url: URL, readers: int, writers: int | None) -> Backend:
    if url.get_backend_name() == "sqlite":
        return Sqlite(url, readers)
    try:
        from dogwatch.store.postgres import Postgres
    except ImportError as error:
        raise Problem("refused", "PostgreSQL needs: pip install 'dogwatch[postgres]'") from error
    return Postgres(url, readers, writers or 4)


class Database:
    """Runs functions of a transaction. All methods may be called from any thread.

    A write must touch nothing but its transaction: it may be run more than once before it counts.
    Errors: what the function raised; `Problem("away")` where the database is not to be had.
    """

    def __init__(self, url: URL, backend: Backend, readers: int, patience_s: float, clock: Clock):
        self.url = url
        self._backend = backend
        self._patience_s = patience_s
        self._clock = clock
        self._wakes = Wakes()
        self._gate = threading.Lock()
        self._closed = False
        self._stop_listening: Callable[[], None] | None = None
        self._queue: Queue = SimpleQueue()
        self._readers = ThreadPoolExecutor(readers, "dogwatch-reader")
        self._writers = [
            Writer(number, self._queue, backend, self._wakes, clock)
            for number in range(backend.writers)
        ]
        for writer in self._writers:
            writer.start()

    @classmethod
    def open(
        cls,
        url: str,
        *,
        readers: int = 4,
        writers: int | None = None,
        patience_s: float = 5.0,
        clock: Clock | None = None,
    ) -> Self:
        """Open `sqlite:////path` or `postgresql://user:pw@host/db`; connects when first used.

        `writers` counts on PostgreSQL alone. A command waits `patience_s` for a database that is
        away or locked.
        """
        parsed = parse_url(url)
        backend = _backend_for(parsed, readers, writers)
        return cls(parsed, backend, readers, patience_s, clock or SystemClock())

    @property
    def dialect(self) -> DialectName:
        """The kind of database."""
        return self._backend.dialect

    @property
    def slice_s(self) -> float:
        """How long a transaction of many rows may take before it holds up others."""
        return self._backend.slice_s

    def write(self, fn: Callable[[Tx], T], workspace_id: int | None = None) -> Future[T]:
        """Run `fn` in a transaction, shared or not; the future resolves after the commit.

        On PostgreSQL it sees the rows of `workspace_id` alone, and can write no others.
        """
        command = Command(fn, self._deadline(), workspace_id)
        with self._gate:
            self._refuse_if_closed()
            self._queue.put(command)
        return command.future

    def read(self, fn: Callable[[Tx], T], workspace_id: int | None = None) -> Future[T]:
        """Run `fn` on one snapshot of the database, or of a workspace in it; it cannot write."""
        deadline = self._deadline()
        with self._gate:
            self._refuse_if_closed()
            return self._readers.submit(self._read, fn, deadline, workspace_id)

    async def awrite(self, fn: Callable[[Tx], T], workspace_id: int | None = None) -> T:
        """Await `write`."""
        return await asyncio.wrap_future(self.write(fn, workspace_id))

    async def aread(self, fn: Callable[[Tx], T], workspace_id: int | None = None) -> T:
        """Await `read`."""
        return await asyncio.wrap_future(self.read(fn, workspace_id))

    def on_wake(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with the topics of each commit, from any thread; it must be quick.

        On PostgreSQL it also hears other processes, and `ALL_TOPICS` whenever it (again) began
        to hear them. Returns the function that ends it.
        """
        unsubscribe = self._wakes.subscribe(listener)
        with self._gate:
            if self._stop_listening is None and not self._closed:
                self._stop_listening = _listen_elsewhere(self._backend, self._wakes)
        return unsubscribe

    def close(self) -> None:
        """Finish the writes that wait, refuse new ones, and leave the files in order."""
        with self._gate:
            if self._closed:
                return
            self._closed = True
            for _ in self._writers:
                self._queue.put(None)
        for writer in self._writers:
            writer.join()
        self._readers.shutdown()
        if self._stop_listening is not None:
            self._stop_listening()
        self._backend.close()

    def _deadline(self) -> float:
        return self._clock.monotonic() + self._patience_s

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise Problem("away", "the database is closed: Dogwatch is stopping")

    def _read(self, fn: Callable[[Tx], T], deadline: float, workspace_id: int | None) -> T:
        while True:
            try:
                return self._read_once(fn, workspace_id)
            except Exception as error:
                if self._backend.fault(error, reading=True) is not Fault.AWAY:
                    if told := self._backend.reason(error):
                        raise Problem("away", told) from error
                    raise
                if self._clock.monotonic() >= deadline:
                    raise Problem("away", "the database cannot be reached") from error
                threading.Event().wait(0.05)

    def _read_once(self, fn: Callable[[Tx], T], workspace_id: int | None) -> T:
        conn: Connection
        with self._backend.connect_reader() as conn, conn.begin():
            self._backend.begin_reading(conn, workspace_id)
            try:
                return fn(Tx(conn, self.dialect))
            except Exception as error:
                _let_go(error)
                raise


def _let_go(error: BaseException | None) -> None:
    """Clear the frames of an error: rows they did not read to the end would hold the snapshot, for
    whoever reads by the same connection later."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def _listen_elsewhere(backend: Backend, wakes: Wakes) -> Callable[[], None] | None:
    """Start to hear other processes where the database can tell of them."""
    if backend.dialect == "sqlite":
        return None
    from dogwatch.store.listener import PostgresListener
    from dogwatch.store.postgres import Postgres

    assert isinstance(backend, Postgres)
    listener = PostgresListener(backend, wakes.tell)
    listener.start()
    return listener.stop
