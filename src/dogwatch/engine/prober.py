"""The prober: asks what is due at its location, many at once, and writes what came of it.

Answers and new questions share one transaction a tick, so that ten thousand probes cost a few
commits a second.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import structlog

from dogwatch.clock import Clock
from dogwatch.core.probe.target import Target
from dogwatch.core.problems import Problem
from dogwatch.core.result import BAD, Outcome, Result
from dogwatch.store.database import Database, Tx
from dogwatch.store.probes import next_due_at
from dogwatch.usecases import probing
from dogwatch.usecases.probing import Question, Reply
from dogwatch.vault import Vault

TICK_S = 0.2
POLL_S = 1.0
BATCH = 500

Ask = Callable[[Target], Awaitable[Result]]

_log = structlog.get_logger("dogwatch.prober")


class Prober:
    """Asks at most `concurrency` probes of `location` at once."""

    name = "prober"
    topics = frozenset({"schedule"})

    def __init__(
        self,
        location: str,
        concurrency: int,
        ask: Ask,
        database: Database,
        clock: Clock,
        vault: Vault,
        node_id: str,
    ) -> None:
        self._location = location
        self._concurrency = concurrency
        self._ask = ask
        self._database = database
        self._clock = clock
        self._vault = vault
        self._node_id = node_id
        self.pause: Callable[[float], Awaitable[None]] = asyncio.sleep
        self._going: set[asyncio.Task[None]] = set()
        self._replies: list[Reply] = []

    async def step(self) -> float:
        """Write what was answered and claim what is due; return the seconds until the next look."""
        room = min(self._concurrency - len(self._going), BATCH)
        if not self._replies and not (room > 0 and await self._due()):
            return TICK_S if self._going else POLL_S
        replies, self._replies = self._replies, []
        try:
            questions = await self._database.awrite(lambda tx: self._turn(tx, replies, room))
        except Exception as error:
            await self._keep(replies, error)
            raise
        for question in questions:
            self._begin(question)
        return 0.0 if len(questions) == BATCH else TICK_S

    async def _due(self) -> bool:
        due_at = await self._database.aread(lambda tx: next_due_at(tx, self._location))
        return due_at is not None and due_at <= self._clock.now()

    def _turn(self, tx: Tx, replies: Sequence[Reply], room: int) -> list[Question]:
        at = self._clock.now()
        probing.finish(tx, replies, at)
        if room <= 0:
            return []
        return probing.claim(tx, self._location, self._node_id, at, room, self._vault)

    async def _keep(self, replies: Sequence[Reply], error: Exception) -> None:
        """Keep what could not be written; one that never can must not hold up the others."""
        if len(replies) < 2 or isinstance(error, Problem):
            self._replies = [*replies, *self._replies] if isinstance(error, Problem) else []
            return
        for reply in replies:
            await self._write_alone(reply)

    async def _write_alone(self, reply: Reply) -> None:
        try:
            await self._database.awrite(lambda tx: probing.finish(tx, [reply], self._clock.now()))
        except Problem:
            self._replies.append(reply)
        except Exception as error:
            watch_id = reply.question.place[1]
            _log.error("answer not written", watch_id=watch_id, error=type(error).__name__)
            await self._database.awrite(
                lambda tx: probing.put_back(tx, reply.question, self._clock.now())
            )

    def _begin(self, question: Question) -> None:
        task = asyncio.create_task(self._do(question))
        self._going.add(task)
        task.add_done_callback(self._going.discard)

    async def _do(self, question: Question) -> None:
        started_at = self._clock.now()
        asked = 0
        while True:
            result = await self._once(question)
            asked += 1
            if result.outcome not in BAD or asked > question.rechecks:
                break
            await self.pause(question.probe.recheck_after_s)
        if asked > 1 and result.outcome in BAD:
            result = replace(result, reason=f"{result.reason} (asked {asked} times)")
        self._replies.append(Reply(question, result, started_at, self._clock.now()))

    async def _once(self, question: Question) -> Result:
        try:
            return await self._ask(question.probe.target)
        except Exception as error:
            _log.error("not asked", watch_id=question.place[1], exc_info=True)
            return Result(Outcome.UNKNOWN, f"internal error: {type(error).__name__}")

    async def idle(self) -> None:
        """Wait until nothing is asked."""
        while self._going:
            await asyncio.wait(self._going)

    def drop(self) -> None:
        """Stop asking at once and write nothing: others ask anew."""
        for task in self._going:
            task.cancel()
        self._replies.clear()

    async def drain(self) -> None:
        """Stop asking and write what was answered; what was not is asked by the next node."""
        for task in self._going:
            task.cancel()
        await self.idle()
        replies, self._replies = self._replies, []
        await self._database.awrite(lambda tx: probing.finish(tx, replies, self._clock.now()))
