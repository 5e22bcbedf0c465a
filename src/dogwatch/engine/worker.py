"""The worker: claims runs of one lane and has them done, each in its own task."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

import structlog

from dogwatch.clock import Clock
from dogwatch.core.result import Outcome, Result
from dogwatch.core.run import cancelled
from dogwatch.engine.low_water import LowWater
from dogwatch.engine.outcomes import Outcomes
from dogwatch.engine.output import DEFAULT_CAP_BYTES, OutputWriter
from dogwatch.store.database import Database, Tx
from dogwatch.store.runs import cancel_asked
from dogwatch.usecases import runs
from dogwatch.usecases.runs import Ended, Work
from dogwatch.vault import Vault

POLL_S = 1.0
RETRY_WRITE_S = 0.5

Runner = Callable[[Work, Callable[[str, bytes], None]], Awaitable[Result]]
Key = tuple[int, str]

_log = structlog.get_logger("dogwatch.worker")


class Worker:
    """Runs at most `concurrency` runs of `lane` at once."""

    def __init__(
        self,
        lane: str,
        concurrency: int,
        runner: Runner,
        database: Database,
        clock: Clock,
        vault: Vault,
        node_id: str,
    ) -> None:
        self.name = f"{lane} worker"
        self.topics = frozenset({lane, "cancel"})
        self._lane = lane
        self._concurrency = concurrency
        self._runner = runner
        self._database = database
        self._clock = clock
        self._vault = vault
        self._node_id = node_id
        self._going: dict[asyncio.Task[None], Key] = {}
        self._running: dict[Key, asyncio.Task[None]] = {}
        self._why_cancelled: dict[Key, str] = {}
        self._dropped: set[asyncio.Task[None]] = set()
        self._low_water = LowWater(lane, database, clock)
        self._outcomes = Outcomes(self._write_some)
        self._leaving = False
        self.on_end: Callable[[], None] = lambda: None

    async def step(self) -> float:
        """Pass on wishes to cancel, then claim as many runs as there is room for."""
        if self._running:
            await self._cancel_asked()
        room = self._concurrency - len(self._going)
        if room <= 0:
            return POLL_S
        since_at = await self._low_water.since_at()
        claimed = await self._database.awrite(lambda tx: self._claim(tx, room, since_at))
        for work in claimed:
            self._begin(work)
        return 0.0 if claimed else POLL_S

    def _claim(self, tx: Tx, room: int, since_at: datetime) -> list[Work]:
        at = self._clock.now()
        return runs.claim(tx, self._lane, self._node_id, at, room, self._vault, since_at)

    async def idle(self) -> None:
        """Wait until nothing runs."""
        while self._going:
            await asyncio.wait(self._going)

    def drop(self) -> None:
        """Kill everything at once and write nothing: others take it over."""
        self._dropped.update(self._going)
        for task in self._running.values():
            task.cancel()

    async def drain(self, grace_s: float) -> None:
        """Let runs end within the grace; those that do not are stopped and given back."""
        if self._going:
            _log.info("leaving", lane=self._lane, waits_for_runs=len(self._going), seconds=grace_s)
            await asyncio.wait(self._going, timeout=grace_s)
        self._leaving = True
        if self._running:
            _log.warning("runs stopped and given back", lane=self._lane, runs=len(self._running))
        for task in self._running.values():
            task.cancel()
        await self.idle()

    def _begin(self, work: Work) -> None:
        task = asyncio.create_task(self._do(work))
        self._going[task] = _key(work)
        self._running[_key(work)] = task
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        key = self._going.pop(task)
        if self._running.get(key) is task:
            del self._running[key]
        self._dropped.discard(task)
        self.on_end()

    async def _do(self, work: Work) -> None:
        result = await self._run(work)
        # From here on nothing cancels the task: what has ended must be written.
        why = self._stopped(_key(work))
        if result is None and why:
            result = cancelled(why)
        await self._finish(work, result)

    def _stopped(self, key: Key) -> str:
        """Note that a run is over; return the reason for which it was cancelled, if it was."""
        if self._running.get(key) is not asyncio.current_task():
            return ""  # it was dropped, and its next attempt runs here already
        del self._running[key]
        return self._why_cancelled.pop(key, "")

    async def _run(self, work: Work) -> Result | None:
        """Return how the run ended; None if it was stopped."""
        cap_bytes = int(work.action.get("output_cap_bytes", DEFAULT_CAP_BYTES))
        if work.most_output_bytes is not None:
            cap_bytes = min(cap_bytes, work.most_output_bytes)
        output = OutputWriter(self._database, _key(work), work.task.attempt, cap_bytes)
        result: Result | None = None
        try:
            async with output:
                result = await self._runner(work, output.add)
        except asyncio.CancelledError:
            return result
        except Exception as error:
            _log.error(
                "runner failed", run_id=work.run.id, error=type(error).__name__, exc_info=True
            )
            return Result(Outcome.FAIL, "internal error; the server's log says more")
        return result

    async def _finish(self, work: Work, result: Result | None) -> None:
        """Write the outcome, however long the database is away: the run must not be lost."""
        while asyncio.current_task() not in self._dropped:
            try:
                await self._write(work, result)
            except Exception as error:
                _log.warning("outcome not written", run_id=work.run.id, error=type(error).__name__)
                if self._leaving:  # the next node finds it lost and follows its policy
                    return
                await asyncio.sleep(RETRY_WRITE_S)
            else:
                return

    async def _write(self, work: Work, result: Result | None) -> None:
        if result is None:
            await self._database.awrite(lambda tx: runs.give_back(tx, work, self._clock.now()))
        else:
            jitter = random.random()  # noqa: S311  (only spreads)
            await self._outcomes.put(Ended(work, result, jitter))

    async def _write_some(self, ended: Sequence[Ended]) -> list[bool]:
        return await self._database.awrite(lambda tx: runs.finish(tx, ended, self._clock.now()))

    async def _cancel_asked(self) -> None:
        keys = list(self._running)
        asked: Mapping[Key, str] = await self._database.aread(lambda tx: cancel_asked(tx, keys))
        if asked:  # asked again of the writer, which sees no past: what is killed is not undone
            asked = await self._database.awrite(lambda tx: cancel_asked(tx, asked))
        for key, reason in asked.items():
            task = self._running.get(key)
            if task and key not in self._why_cancelled:
                self._why_cancelled[key] = reason
                task.cancel()


def _key(work: Work) -> Key:
    return work.run.workspace_id, work.run.id
