"""What is asked for by anybody and costs something: worked out once for all who ask meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from dogwatch.clock import Clock

T = TypeVar("T")

FRESH_S = 1.0


class Latest(Generic[T]):
    """The answer of `work`, at most `FRESH_S` old; one work at a time is under way.

    With `rest` it may grow older: that many times as old as the work took.
    """

    def __init__(self, work: Callable[[], Awaitable[T]], clock: Clock, rest: float = 0.0) -> None:
        self._work = work
        self._clock = clock
        self._rest = rest
        self._fresh_s = FRESH_S
        self._task: asyncio.Task[T] | None = None
        self._done_at = 0.0

    async def get(self) -> T:
        """Return the answer; who asks and goes does not end the work for the others."""
        if self._task is None or self._stale(self._task):
            self._task = asyncio.create_task(self._worked(self._clock.monotonic()))
        return await asyncio.shield(self._task)

    def _stale(self, task: "asyncio.Task[T]") -> bool:
        if not task.done():
            return False
        failed = task.cancelled() or task.exception() is not None
        return failed or self._clock.monotonic() - self._done_at >= self._fresh_s

    async def _worked(self, began_at: float) -> T:
        try:
            return await self._work()
        finally:
            self._done_at = self._clock.monotonic()
            self._fresh_s = max(FRESH_S, self._rest * (self._done_at - began_at))
