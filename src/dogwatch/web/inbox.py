"""Group commit for pings: those that arrive while a batch is being recorded form the next one."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from dogwatch.core.ping import Answer, Heard
from dogwatch.core.problems import Problem

MAX_WAITING = 20_000
CALM_TURNS = 10
"""Turns of the loop that bring no ping before those that wait are recorded."""

_log = logging.getLogger("dogwatch.pings")

_Waiter = tuple[Heard, asyncio.Future[Answer]]


class PingInbox:
    """Hands pings to `record` in batches, one at a time, and each caller its own answer.

    `record` returns one answer per ping, in order, after its commit. A batch begins once the loop
    is calm: its thread and the writer's would else keep taking the interpreter from each other,
    which costs more than they gain by it.
    """

    def __init__(
        self,
        record: Callable[[Sequence[Heard]], Awaitable[Sequence[Answer]]],
        max_batch: int = 256,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._record = record
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._waiting: deque[_Waiter] = deque()
        self._task: asyncio.Task[None] | None = None

    async def put(self, heard: Heard) -> Answer:
        """Return what became of the ping, once that is durable.

        Raises `Problem("limited")` when too many wait, and whatever `record` raised for its
        batch. A caller that is cancelled leaves its ping in the queue.
        """
        if len(self._waiting) >= self._max_waiting:
            raise Problem("limited", "Too many pings are waiting to be recorded.", retry_after_s=1)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((heard, answer))
        if self._task is None:
            self._task = loop.create_task(self._run())
        return await answer

    async def drain(self) -> None:
        """Wait until every ping put so far has its answer."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        """Record batch after batch for as long as any ping waits."""
        try:
            while self._waiting:
                await self._calm()
                size = min(self._max_batch, len(self._waiting))
                await self._settle([self._waiting.popleft() for _ in range(size)])
        finally:
            self._task = None

    async def _calm(self) -> None:
        """Wait until the loop brings no more pings, or there are enough of them."""
        turns = known = 0
        while turns < CALM_TURNS and len(self._waiting) < self._max_batch:
            turns = turns + 1 if len(self._waiting) == known else 0
            known = len(self._waiting)
            await asyncio.sleep(0)

    async def _settle(self, batch: list[_Waiter]) -> None:
        try:
            answers = await self._record([heard for heard, _ in batch])
            settled = list(zip(batch, answers, strict=True))
        except Exception as error:  # its text or traceback could quote ping keys: the name alone
            _log.error("%d pings were not recorded: %s", len(batch), type(error).__name__)
            _fail(batch, error)
        except asyncio.CancelledError:
            _fail(batch, Problem("away", "The server is stopping."))
            raise
        else:
            for (_, waiter), answer in settled:
                if not waiter.done():
                    waiter.set_result(answer)


def _fail(batch: list[_Waiter], error: Exception) -> None:
    for _, waiter in batch:
        if not waiter.done():
            waiter.set_exception(error)
