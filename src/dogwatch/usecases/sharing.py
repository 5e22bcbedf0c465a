"""What the nodes on one PostgreSQL share of what was spent of windows.

The database says what is left when a node first asks for a subject, and at least once a second from
then on. Meanwhile the node goes ahead, by an eighth of what was left at most, and tells the others
within a tenth of a second. So one node lets exactly the limit through, however many requests come
at once, and each further one at most that eighth more. Where less than eight are left, it asks each
time.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from dogwatch.clock import Clock
from dogwatch.core.limits import Verdict
from dogwatch.store.spent import Place
from dogwatch.usecases.door import Door
from dogwatch.usecases.limiting import MOST_MARKS, Asked, Marks, spend_in, spend_many

KNOWN_S = 1.0
TOLD_S = 0.1
AHEAD = 8
BATCH = 256

_log = logging.getLogger("dogwatch.limiting")


@dataclass(frozen=True, slots=True)
class _Request:
    asked: Sequence[Asked]
    answer: "asyncio.Future[Sequence[Verdict]]"


@dataclass(slots=True)
class _Room:
    """How many requests may go ahead of what the database said, until when, and how many did."""

    most: int
    until: float
    used: int = 0


class Shared:
    """Spends for one node. Its door is for nothing else: others wait behind the rows that are
    locked here, and what is written here need not survive a crash."""

    def __init__(self, door: Door, clock: Clock) -> None:
        self._door = door
        self._clock = clock
        self._marks: Marks = {}
        self._rooms: dict[Place, _Room] = {}
        self._untold: list[Sequence[Asked]] = []
        self._waiting: deque[_Request] = deque()
        self._task: asyncio.Task[None] | None = None

    async def spend(self, asked: Sequence[Asked]) -> Sequence[Verdict]:
        """Spend one request; nobody is turned away because the database is."""
        if not asked:
            return ()
        if self._may_go_ahead(asked):
            return self._go_ahead(asked)
        answer: asyncio.Future[Sequence[Verdict]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Request(asked, answer))
        self._begin()
        return await answer

    async def tell(self) -> None:
        """Tell the others at once."""
        if self._untold:
            await self._begin()

    def _may_go_ahead(self, asked: Sequence[Asked]) -> bool:
        now = self._clock.monotonic()
        rooms = [self._rooms.get(one.place) for one in asked]
        return all(room and room.used < room.most and now < room.until for room in rooms)

    def _go_ahead(self, asked: Sequence[Asked]) -> Sequence[Verdict]:
        verdicts = spend_in(self._marks, asked, self._clock.now())
        if all(verdict.passes for verdict in verdicts):
            for one in asked:
                self._rooms[one.place].used += 1
            if not self._untold:
                asyncio.get_running_loop().call_later(TOLD_S, self._begin)
            self._untold.append(asked)
        return verdicts

    def _begin(self) -> "asyncio.Task[None]":
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        return self._task

    async def _work(self) -> None:
        """Settle once, and on while somebody waits."""
        await self._settle()
        while self._waiting:
            await self._settle()

    async def _settle(self) -> None:
        """Spend in the database what went ahead, then what waits for its answer."""
        told, self._untold = self._untold[:BATCH], self._untold[BATCH:]
        size = min(BATCH, len(self._waiting))
        waited = [self._waiting.popleft() for _ in range(size)]
        found = await self._spent([*told, *(request.asked for request in waited)])
        for request, verdicts in zip(waited, found[len(told) :], strict=True):
            if not request.answer.done():
                request.answer.set_result(verdicts)

    async def _spent(self, batch: Sequence[Sequence[Asked]]) -> Sequence[Sequence[Verdict]]:
        until = self._clock.monotonic() + KNOWN_S
        try:
            found, marks = await self._door.awrite(
                lambda tx: spend_many(tx, batch, self._clock.now())
            )
        except Exception as error:
            _log.warning("%d requests were not limited: %s", len(batch), type(error).__name__)
            self._rooms.clear()
            return [()] * len(batch)
        self._learn(batch, found, marks, until)
        return found

    def _learn(
        self,
        batch: Sequence[Sequence[Asked]],
        found: Sequence[Sequence[Verdict]],
        marks: Marks,
        until: float,
    ) -> None:
        """Go on from what the database says, and from what went ahead while it said so."""
        if len(self._rooms) > MOST_MARKS:
            self._marks, self._rooms = {}, {}
        self._marks |= marks
        for asked, verdicts in zip(batch, found, strict=True):
            for one, verdict in zip(asked, verdicts, strict=True):
                self._rooms[one.place] = _Room(verdict.remaining // AHEAD, until)
        for asked in self._untold:
            again = [one for one in asked if one.place in marks]
            if again:
                spend_in(self._marks, again, self._clock.now())
            for one in again:
                self._rooms[one.place].used += 1
