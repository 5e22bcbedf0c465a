"""Group commit for pings: those that arrive while a batch is being recorded form the next one."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from dogwatch.core.ping import Answer, Heard
from dogwatch.core.problems import Problem

MAX_WAITING = 20_000

_log = logging.getLogger("dogwatch.pings")

_Waiter = tuple[Heard, asyncio.Future[Answer]]


class PingInbox:
    """Hands pings to `record` in batches and each caller its own answer.

    `record` returns one answer per ping, in order, after its commit. At most `lanes` batches are
    in flight at once (1 for SQLite, which has one writer).
    """

    def __init__(
        self,
        record: Callable[[Sequence[Heard]], Awaitable[Sequence[Answer]]],
        max_batch: int = 256,
        lanes: int = 1,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._record = record
        self._max_batch = max_batch
        self._idle_lanes = lanes
        self._max_waiting = max_waiting
        self._waiting: deque[_Waiter] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    async def put(self, heard: Heard) -> Answer:
        """Return what became of the ping, once that is durable.

        Raises `Problem("limited")` when too many wait, and whatever `record` raised for its
        batch. A caller that is cancelled leaves its ping in the queue.
        """
        if len(self._waiting) >= self._max_waiting:
            raise Problem("limited", "Too many pings are waiting to be recorded.", retry_after_s=1)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((heard, answer))
        if self._idle_lanes:
            self._open_lane()
        return await answer

    async def drain(self) -> None:
        """Wait until every ping put so far has its answer."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _open_lane(self) -> None:
        self._idle_lanes -= 1
        task = asyncio.get_running_loop().create_task(self._run_lane())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run_lane(self) -> None:
        try:
            while self._waiting:
                size = min(self._max_batch, len(self._waiting))
                await self._settle([self._waiting.popleft() for _ in range(size)])
        finally:
            self._idle_lanes += 1

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
