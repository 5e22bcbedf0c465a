"""How runs ended, on its way to the store: what ends during a write shares the next one."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from dogwatch.core.problems import Problem
from dogwatch.usecases.runs import Ended

BATCH = 200

Write = Callable[[Sequence[Ended]], Awaitable[object]]


class Outcomes:
    """Has `write` called for some at a time; each caller learns of its own alone."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._waiting: list[tuple[Ended, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def put(self, ended: Ended) -> None:
        """Return once it is written; raise why it is not."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((ended, written))
        if self._writing is None:
            self._writing = asyncio.create_task(self._work_off())
        await written

    async def _work_off(self) -> None:
        try:
            while self._waiting:
                some, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
                await self._settle(some)
        finally:
            self._writing = None
            _cancel(self._waiting)

    async def _settle(self, some: Sequence[tuple[Ended, asyncio.Future[None]]]) -> None:
        try:
            await self._write([ended for ended, _ in some])
        except Exception as error:
            if len(some) == 1 or isinstance(error, Problem):
                for _, written in some:
                    _answer(written, error)
                return
            for one in some:  # one that cannot be written must not hold up the others
                await self._settle([one])
        except asyncio.CancelledError:
            _cancel(some)
            raise
        else:
            for _, written in some:
                _answer(written)


def _answer(written: asyncio.Future[None], error: Exception | None = None) -> None:
    if written.done():  # nobody waits any more
        return
    if error:
        written.set_exception(error)
    else:
        written.set_result(None)


def _cancel(some: Sequence[tuple[Ended, asyncio.Future[None]]]) -> None:
    for _, written in some:
        written.cancel()
