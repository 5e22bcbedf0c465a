"""One life of the process: the real engine and ping inbox, from start to crash."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextvars import Context, ContextVar, copy_context
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

from dogwatch.core.ping import Answer, Heard
from dogwatch.core.problems import Problem
from dogwatch.core.result import Outcome, Result
from dogwatch.engine.alerter import Alerter
from dogwatch.engine.courier import Courier
from dogwatch.engine.engine import Engine
from dogwatch.engine.janitor import Janitor
from dogwatch.engine.loop import Loop
from dogwatch.engine.scheduler import Scheduler
from dogwatch.engine.worker import Worker
from dogwatch.ids import new_id
from dogwatch.store.database import Tx
from dogwatch.store.retention import Keep
from dogwatch.usecases import pings
from dogwatch.usecases.runs import Work
from dogwatch.web.inbox import PingInbox
from tests.simulation.door import Door
from tests.simulation.journal import Execution, Ping
from tests.simulation.naps import DullHeart, NappingTurning, WarySweeper
from tests.simulation.virtual import pause

if TYPE_CHECKING:
    from tests.simulation.world import World

T = TypeVar("T")

LIFE: ContextVar["Life | None"] = ContextVar("life", default=None)
KEEP = Keep(days=90, count=10_000_000)
LANES = ("http", "script")


class Life:
    """What is in memory, and is lost at a crash."""

    def __init__(self, world: "World", number: int, door: Door) -> None:
        self.number = number
        self.door = door
        self.ready = False
        self._world = world
        self._random = Random(f"{world.seed}/life/{number}")
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._context: Context = copy_context()
        self._context.run(LIFE.set, self)
        self.inbox = PingInbox(self._record)
        self.engine = self._context.run(self._assemble)

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run something inside this life; it ends with it."""
        return self._world.loop.create_task(work, context=self._context)

    def adopt(self, task: asyncio.Task[Any]) -> None:
        """Have a task end with this life."""
        self._tasks[task] = None
        task.add_done_callback(lambda _: self._tasks.pop(task, None))

    async def start(self) -> None:
        """Join and turn."""
        await self.engine.start("simulated", alone=True)
        self.ready = True

    def stir(self) -> None:
        """Let napping loops see what was committed."""
        for turning in self.engine._turning:
            assert isinstance(turning, NappingTurning)
            turning.stir()

    def unsettle(self) -> None:
        """Have every beat written from now on, until they are dull again."""
        for turning in self.engine._turning:
            if isinstance(turning.loop, DullHeart):
                turning.loop.rouse()
                turning.wake()

    def rouse(self) -> None:
        """Let every loop look again."""
        for turning in self.engine._turning:
            assert isinstance(turning, NappingTurning)
            turning.rouse()

    def end(self) -> None:
        """Lose all that is in memory, at once."""
        self.ready = False
        self.door.close()
        for task in list(self._tasks):
            task.cancel()

    async def hear(self, heard: Heard) -> int:
        """Take a ping as the web does; return the status of the answer."""
        try:
            answer = await self.inbox.put(heard)
        except Problem:
            return 503
        return 200 if answer is Answer.RECORDED else 404

    async def _record(self, batch: Sequence[Heard]) -> Sequence[Answer]:
        def record(tx: Tx) -> list[Answer]:
            tx.after_commit(lambda: self._committed(batch))
            return pings.record(tx, batch, self._world.clock.now())

        return await self.door.awrite(record)

    def _committed(self, batch: Sequence[Heard]) -> None:
        at = self._world.clock.now()
        for heard in batch:
            slug = heard.body.partition("/")[0]
            ping = Ping(heard.at, heard.kind, heard.rid, heard.body, at)
            self._world.journal.pings[slug].append(ping)
            self._world.note("heard", heard.body, heard.at)

    def _assemble(self) -> Engine:
        world, door, clock = self._world, self.door, self._world.clock
        node_id = new_id(clock.now())
        vault, base = world.vault, "https://dogwatch.example"
        workers = [Worker(lane, 8, self._run, door, clock, vault, node_id) for lane in LANES]  # type: ignore[arg-type]  # the door's stand-in
        courier = Courier(door, clock, vault, world.receivers, node_id, 8, base, {}, world.channels)  # type: ignore[arg-type]  # the door's and the egress's stand-in

        def drop_work() -> None:
            for worker in workers:
                worker.drop()

        keep: Mapping[str, Keep] = dict.fromkeys(("pings", "runs", "flips", "deliveries"), KEEP)
        others: list[Loop] = [
            Scheduler(door, clock),  # type: ignore[arg-type]  # the door's stand-in
            WarySweeper(door, clock, node_id),
            Alerter(door, clock),  # type: ignore[arg-type]  # the door's stand-in
            DullHeart(door, clock, node_id, drop_work),
            Janitor(door, clock, keep, 1),  # type: ignore[arg-type]  # the door's stand-in
        ]
        return Engine(door, clock, node_id, workers, courier, others)  # type: ignore[arg-type]  # the door's stand-in

    async def _run(self, work: Work, on_output: Callable[[str, bytes], None]) -> Result:
        """Stand in for a runner: take a while, say something, and fail now and then."""
        world, random = self._world, self._random
        execution = Execution(
            work.run.watch_id, work.run.id, work.run.slot_at, work.task.attempt,
            world.clock.now(), self.number, world.clock.now(),
        )  # fmt: skip
        world.journal.executions.append(execution)
        world.note("runs", work.run.id, work.task.attempt)
        drawn = random.random()
        duration_s = random.uniform(0.05, 3) if drawn < 0.93 else random.uniform(3, 900)
        try:
            if drawn < 0.3:
                on_output("stdout", b"working\n")
            await pause(duration_s)
        except asyncio.CancelledError:
            execution.outcome = None if self.door.dead else Outcome.SKIPPED
            execution.ended_at = world.clock.now()
            raise
        outcome = Outcome.FAIL if random.random() < 0.08 else Outcome.OK
        execution.outcome, execution.ended_at = outcome, world.clock.now()
        world.note("ran", work.run.id, outcome)
        return Result(outcome, "exit status 1" if outcome is Outcome.FAIL else "", 1 + int(drawn))
