"""The engine: its loops, started, woken and stopped together."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence

import structlog

from dogwatch.clock import Clock
from dogwatch.core.problems import Problem
from dogwatch.engine.courier import Courier
from dogwatch.engine.heart import Heart
from dogwatch.engine.loop import Loop, Turning
from dogwatch.engine.postman import Postman
from dogwatch.engine.prober import Prober
from dogwatch.engine.worker import Worker
from dogwatch.store.database import ALL_TOPICS, Database
from dogwatch.usecases import nodes

_log = structlog.get_logger("dogwatch.engine")


class Engine:
    """One node's loops over one database. Several nodes may share it; there is no leader."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        node_id: str,
        workers: Sequence[Worker],
        courier: Courier | None,
        others: Sequence[Loop],
        at_end: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._node_id = node_id
        self._workers = workers
        self._courier = courier
        self._at_end = at_end
        self._probers = [loop for loop in others if isinstance(loop, Prober)]
        loops: list[Loop] = [*others, *workers, *([courier] if courier else [])]
        self._turning = [Turning(loop) for loop in loops]
        self._tasks: dict[Turning, asyncio.Task[None]] = {}

    async def start(self, name: str, *, alone: bool) -> None:
        """Join the nodes and begin to turn."""
        gap = await self._database.awrite(
            lambda tx: nodes.join(tx, self._node_id, name, self._clock.now(), alone=alone)
        )
        if gap:
            away_s = round((gap.end_at - gap.start_at).total_seconds())
            _log.info("was away; what fell due meanwhile blames nobody", seconds=away_s)
        loop = asyncio.get_running_loop()

        def woken(topics: frozenset[str]) -> None:
            loop.call_soon_threadsafe(self._wake, topics)

        self._unsubscribe = self._database.on_wake(woken)
        for turning in self._turning:
            if isinstance(turning.loop, Postman):
                await turning.step()  # before anybody judges the silence that it ends
        for turning in self._turning:
            self._tasks[turning] = asyncio.create_task(turning.run())
        self._wake_at_end()

    async def stop(self, grace_s: float) -> None:
        """Claim nothing more, let what is going end within the grace, and leave.

        The heart goes on until then: others would take over what still runs here.
        """
        hearts = {turning for turning in self._turning if isinstance(turning.loop, Heart)}
        await self._halt(self._tasks.keys() - hearts)
        drains = [worker.drain(grace_s) for worker in self._workers]
        if self._courier:
            drains.append(self._courier.drain(grace_s))
        await asyncio.gather(*drains)
        if self._at_end:
            await self._at_end()
        self._unsubscribe()
        try:
            for prober in self._probers:
                await prober.drain()
            await self._halt(hearts)
            await self._database.awrite(
                lambda tx: nodes.leave(tx, self._node_id, self._clock.now())
            )
        except Problem as problem:
            _log.warning("left without a word", why=problem.message)

    async def _halt(self, some: Collection[Turning]) -> None:
        for turning in some:
            turning.stop()
        await asyncio.gather(*(self._tasks[turning] for turning in some))

    def _wake_at_end(self) -> None:
        """Have a lane look for more as soon as a place in it is free."""
        for turning in self._turning:
            if isinstance(turning.loop, Worker | Courier):
                turning.loop.on_end = turning.wake

    def _wake(self, topics: frozenset[str]) -> None:
        for turning in self._turning:
            if topics & (turning.loop.topics | ALL_TOPICS):
                turning.wake()
