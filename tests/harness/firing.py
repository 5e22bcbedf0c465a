"""A scheduler alone, as a process that may be killed at any moment."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from random import Random

from dogwatch.clock import SystemClock
from dogwatch.engine.loop import Turning
from dogwatch.engine.scheduler import Scheduler
from dogwatch.store.database import Database


def fire(url: str) -> None:
    """Fire what is due, for ever."""
    database = Database.open(url, writers=1)
    asyncio.run(Turning(Scheduler(database, SystemClock())).run())


@dataclass(slots=True)
class Schedulers:
    """Several of them on one database; whoever is killed is replaced."""

    url: str
    processes: list[BaseProcess] = field(default_factory=list)

    def add(self) -> None:
        """Start one more, quickly: it is forked from a server that has read our code."""
        context = get_context("forkserver")
        context.set_forkserver_preload([__name__])
        process = context.Process(target=fire, args=(self.url,), daemon=True)
        process.start()
        self.processes.append(process)

    def kill_one(self, chance: Random) -> None:
        """Kill one at random and start another."""
        process = self.processes.pop(chance.randrange(len(self.processes)))
        process.kill()
        process.join()
        process.close()
        self.add()


@contextmanager
def schedulers(url: str, count: int) -> Iterator[Schedulers]:
    """Have so many at work inside the block."""
    crowd = Schedulers(url)
    try:
        for _ in range(count):
            crowd.add()
        yield crowd
    finally:
        for process in crowd.processes:
            process.kill()
            process.join()
            process.close()
