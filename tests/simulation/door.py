"""The door to a real store without its threads: same transactions, on virtual time."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from queue import SimpleQueue
from random import Random
from typing import TypeVar

from sqlalchemy import URL, Connection

from dogwatch.core.problems import Problem
from dogwatch.engine.heart import BEAT_S
from dogwatch.store import nodes
from dogwatch.store.sqlite import Sqlite
from dogwatch.store.tx import Tx
from dogwatch.store.wakes import Listener, Wakes
from dogwatch.store.writer import Command, Queue, Writer
from tests.simulation.virtual import VirtualClock

T = TypeVar("T")


class Door:
    """Has the interface of `Database`. What waits at one moment shares a transaction, as there.

    `on_step` is told before and after each commit: a crash may fall on either side. While the
    beats of a node are `lulled`, since each would only repeat the one before, the latest is written
    when it would be read.
    """

    def __init__(self, url: URL, clock: VirtualClock, random: Random) -> None:
        self._clock = clock
        self._random = random
        self._backend = Sqlite(url, readers=1)
        self.slice_s = self._backend.slice_s
        self._wakes = Wakes()
        queue: Queue = SimpleQueue()
        self._writer = Writer(0, queue, self._backend, self._wakes, clock)
        self._reader: Connection | None = None
        self._waiting: list[tuple[Command, asyncio.Future[object]]] = []
        self._lull: tuple[str, float] | None = None
        self.dead = False
        self.away = False
        self.on_step: Callable[[], None] = lambda: None
        self.on_commit: Callable[[], None] = lambda: None

    async def awrite(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` in a transaction; return after its commit."""
        self._refuse_if_dead()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[object] = loop.create_future()
        if not self._waiting:
            loop.call_later(self._hop_s(), self._settle)
        self._waiting.append((Command(fn, self._clock.monotonic() + 5.0), answer))
        return await answer  # type: ignore[return-value]  # the future of this very command

    async def aread(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` on one snapshot."""
        self._refuse_if_dead()
        await asyncio.sleep(0)
        self._refuse_if_dead()
        return self.read(fn)

    def read(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` on one snapshot, now."""
        with self._backend.connect_reader() as conn, conn.begin():
            return fn(Tx(conn, "sqlite"))

    def on_wake(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with the topics of each commit."""
        return self._wakes.subscribe(listener)

    @property
    def lulled(self) -> bool:
        """Whether beats are put off."""
        return self._lull is not None

    def lull(self, node_id: str) -> None:
        """Put off the beats of a node, of which this one is written."""
        self._lull = node_id, self._clock.monotonic()

    def rouse(self) -> None:
        """Put off none any more."""
        self.catch_up()
        self._lull = None

    def catch_up(self, tx: Tx | None = None) -> None:
        """Write the latest beat that was put off, in a transaction of its own if none is given."""
        if self._lull is None:
            return
        node_id, beat_s = self._lull
        silent_s = self._clock.monotonic() - beat_s
        if silent_s >= BEAT_S:
            since_s = silent_s % BEAT_S
            self._lull = node_id, self._clock.monotonic() - since_s
            at = self._clock.now() - timedelta(seconds=since_s)
            beat = partial(nodes.beat, node_id=node_id, at=at)
            if tx:
                beat(tx)
            else:
                self._writer._settle([Command(beat, 0.0)])

    def close(self) -> None:
        """Be gone, as a process that was killed."""
        self.dead = True
        self._writer._hang_up()
        self._backend.close()

    def _settle(self) -> None:
        """Commit what waits, unless the process dies before; answer, unless it dies after."""
        self.on_step()
        if self.dead:
            return
        group, self._waiting = self._waiting, []
        if self.away:
            for command, _ in group:
                command.future.set_exception(Problem("away", "not saved: the disk is full"))
        else:
            self._writer._settle([command for command, _ in group])
            self.on_commit()
            self.on_step()
        loop = asyncio.get_running_loop()
        if not self.dead:
            loop.call_later(self._hop_s(), _answer, group)

    def _hop_s(self) -> float:
        """Return how long a thread takes to be heard: mostly next to nothing."""
        drawn = self._random.random()
        if drawn < 0.9:
            return drawn / 1000
        return self._random.uniform(0.001, 0.02 if drawn < 0.995 else 0.5)

    def _refuse_if_dead(self) -> None:
        if self.dead:
            raise asyncio.CancelledError


def _answer(group: list[tuple[Command, asyncio.Future[object]]]) -> None:
    for command, answer in group:
        if answer.done():
            continue
        error = command.future.exception()
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(command.future.result())
