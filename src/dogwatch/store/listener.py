"""Hears on PostgreSQL what other processes committed."""

import logging
import select
import socket
import threading
from collections.abc import Callable

import psycopg
from sqlalchemy.exc import DBAPIError

from dogwatch.store.postgres import CHANNEL, Postgres, driver_of
from dogwatch.store.wakes import ALL_TOPICS

BACKOFF_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

_log = logging.getLogger(__name__)


class PostgresListener(threading.Thread):
    """LISTENs on one connection and connects again, with back-off, whenever it is lost.

    Each time that it has begun to listen it tells `ALL_TOPICS`, since what was notified before
    went unheard.
    """

    def __init__(self, backend: Postgres, tell: Callable[[frozenset[str]], None]) -> None:
        super().__init__(name="dogwatch-listener", daemon=True)
        self._backend = backend
        self._tell = tell
        self._stopping = threading.Event()
        self._failures = 0
        self._bell, self._bell_end = socket.socketpair()

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._stopping.set()
        self._bell_end.send(b".")
        self.join()
        self._bell.close()
        self._bell_end.close()

    def run(self) -> None:
        """Listen until told to stop."""
        while not self._stopping.is_set():
            try:
                self._listen()
            except (DBAPIError, psycopg.Error) as error:
                _log.warning("not listening for wake-ups: %s", type(error).__name__)
                self._stopping.wait(BACKOFF_S[min(self._failures, len(BACKOFF_S) - 1)])
                self._failures += 1

    def _listen(self) -> None:
        with self._backend.connect_listener() as conn:
            try:
                driver = driver_of(conn)
                driver.execute(f"LISTEN {CHANNEL}")
                self._failures = 0
                self._tell(ALL_TOPICS)
                self._pass_on(driver)
            finally:
                conn.invalidate()

    def _pass_on(self, driver: psycopg.Connection) -> None:
        """Pass notifications on until the bell rings or the connection is lost."""
        while True:
            ready, _, _ = select.select([driver.fileno(), self._bell.fileno()], [], [])
            if self._bell.fileno() in ready:
                return
            notes = driver.notifies(timeout=0)
            topics = [note.payload.split() for note in notes if not self._backend.is_ours(note)]
            if topics:
                self._tell(frozenset[str]().union(*topics))
