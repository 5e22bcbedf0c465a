"""Busy writers, for tests of what happens to commands that wait."""

import threading
from concurrent.futures import Future

from dogwatch.store.database import Database, Tx


class Held:
    """Keeps every writer busy, so that what is written meanwhile waits and becomes a group."""

    def __init__(self, database: Database) -> None:
        self._free = threading.Event()
        count = 1 if database.dialect == "sqlite" else 4
        entered = threading.Semaphore(0)

        def hold(_tx: Tx) -> None:
            entered.release()
            assert self._free.wait(60)

        self._holds: list[Future[None]] = []
        for _ in range(count):
            self._holds.append(database.write(hold))
            assert entered.acquire(timeout=60)

    def release(self) -> None:
        self._free.set()
