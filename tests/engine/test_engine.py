"""Whole engines: started, woken, sharing the work with no leader, and leaving."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import cast

import pytest

from dogwatch.clock import SystemClock
from dogwatch.core.problems import Problem
from dogwatch.core.run import Overlap
from dogwatch.egress import Egress
from dogwatch.engine.courier import Courier
from dogwatch.engine.engine import Engine
from dogwatch.engine.heart import Heart
from dogwatch.engine.loop import Loop
from dogwatch.engine.scheduler import Scheduler
from dogwatch.engine.sweeper import Sweeper
from dogwatch.engine.worker import Worker
from dogwatch.store.database import ALL_TOPICS, Database
from dogwatch.usecases import runs
from tests.eventually import eventually_async
from tests.harness.crew import Hand, passing
from tests.harness.house import BASE_URL, NOON, House

CLOCK = SystemClock()
NOWHERE = cast("Egress", None)
SELDOM = "0 0 29 2 *"


class Patient:
    """A loop that only a wake-up moves: it would wait for an hour."""

    def __init__(self, loop: Loop) -> None:
        self.name = loop.name
        self.topics = loop.topics
        self.loop = loop
        self.rests = False

    async def step(self) -> float:
        self.rests = bool(await self.loop.step())
        return 3600 if self.rests else 0


def engine_of(house: House, node_id: str, hand: Hand, concurrency: int = 5) -> Engine:
    """Return an engine whose HTTP runs are done by `hand`, and that sends nothing."""
    database = house.database
    worker = Worker("http", concurrency, hand, database, CLOCK, house.vault, node_id)
    courier = Courier(database, CLOCK, house.vault, NOWHERE, node_id, 5, BASE_URL, {})
    others: list[Loop] = [
        Scheduler(database, CLOCK),
        Sweeper(database, CLOCK, node_id),
        Heart(database, CLOCK, node_id, worker.drop),
    ]
    return Engine(database, CLOCK, node_id, [worker], courier, others)


@asynccontextmanager
async def running(house: House, hand: Hand, *node_ids: str) -> AsyncIterator[None]:
    """Run engines inside the block."""
    engines = [engine_of(house, node_id, hand) for node_id in node_ids]
    for engine, node_id in zip(engines, node_ids, strict=True):
        await engine.start(node_id, alone=house.database.dialect == "sqlite")
    try:
        yield
    finally:
        await asyncio.gather(*(engine.stop(5) for engine in engines))


@pytest.fixture
def three(postgres_url: str) -> Iterator[Sequence[House]]:
    """Three processes' databases on one PostgreSQL."""
    opened = [Database.open(postgres_url, readers=2, writers=2) for _ in range(3)]
    yield [House(database) for database in opened]
    for database in opened:
        database.close()


def later(seconds: float) -> float:
    """Return a time as the house counts: seconds after its noon."""
    return (CLOCK.now() - NOON).total_seconds() + seconds


def done(house: House) -> int:
    """Return how many runs have ended."""
    return sum(row["state"] == "done" for row in house.rows("runs"))


def patient(house: House, node_id: str, hand: Hand) -> tuple[Engine, Worker, Patient]:
    """Return an engine whose only loop is a patient worker."""
    database, vault = house.database, house.vault
    worker = Worker("http", 5, hand, database, CLOCK, vault, node_id)
    courier = Courier(database, CLOCK, vault, NOWHERE, node_id, 5, BASE_URL, {})
    loop = Patient(worker)
    return Engine(database, CLOCK, node_id, [], courier, [loop]), worker, loop


def test_a_run_by_hand_waits_for_no_poll(house: House) -> None:
    house.job(at=later(0), schedule=SELDOM)
    hand = passing()

    async def story() -> None:
        engine, worker, loop = patient(house, "node-a", hand)
        await engine.start("node-a", alone=house.database.dialect == "sqlite")
        await eventually_async(lambda: loop.rests)
        await asyncio.to_thread(house.trigger, "job", later(0))
        await eventually_async(lambda: done(house))
        await worker.idle()
        await engine.stop(5)

    asyncio.run(story())


def test_a_cancelled_run_ends_at_once(house: House) -> None:
    house.job(at=later(0), schedule=SELDOM)
    hand = Hand()

    async def story() -> None:
        async with running(house, hand, "node-a"):
            run = await asyncio.to_thread(house.trigger, "job", later(0))
            await eventually_async(lambda: hand.began)
            await asyncio.to_thread(
                house.do, runs.cancel, house.workspace.id, run.id, "by hand", CLOCK.now()
            )
            await eventually_async(lambda: done(house), within_s=2)

    asyncio.run(story())
    assert len(hand.killed) == 1


def test_three_engines_do_each_of_200_runs_once(three: Sequence[House]) -> None:
    house = three[0]
    for number in range(40):
        house.job(f"job-{number}", later(0), overlap=Overlap.ALLOW, schedule=SELDOM)
        for _ in range(5):
            house.trigger(f"job-{number}", later(0))
    hands = [passing() for _ in three]

    async def story() -> None:
        engines = [
            engine_of(one, f"node-{n}", hand)
            for n, (one, hand) in enumerate(zip(three, hands, strict=True))
        ]
        await asyncio.gather(*(engine.start("n", alone=False) for engine in engines))
        await eventually_async(lambda: done(house) == 200, within_s=30)
        await asyncio.gather(*(engine.stop(5) for engine in engines))

    asyncio.run(story())
    began = [work.run.id for hand in hands for work in hand.began]
    assert len(began) == len(set(began)) == 200
    assert all(hand.began and hand.most <= 5 for hand in hands)
    assert {row["outcome"] for row in house.rows("runs")} == {"ok"}
    assert house.rows("tasks") == []


def test_engines_wake_each_other(three: Sequence[House]) -> None:
    one, other = three[:2]
    one.job(at=later(0), schedule=SELDOM)
    hand = passing()

    async def story() -> None:
        engine, worker, loop = patient(other, "node-b", hand)
        heard: list[frozenset[str]] = []
        stop_hearing = other.database.on_wake(heard.append)
        await engine.start("node-b", alone=False)
        await eventually_async(lambda: ALL_TOPICS in heard and loop.rests)
        await asyncio.to_thread(one.trigger, "job", later(0))
        await eventually_async(lambda: hand.began)
        await worker.idle()
        await engine.stop(5)
        stop_hearing()

    asyncio.run(story())


def test_it_leaves_without_its_grace_when_idle(house: House) -> None:
    async def story() -> None:
        engine = engine_of(house, "node-a", passing())
        await engine.start("node-a", alone=False)
        async with asyncio.timeout(60):
            await engine.stop(3600)

    asyncio.run(story())


def test_a_run_under_way_gets_its_grace(house: House) -> None:
    house.job(at=later(0), schedule=SELDOM)
    hand = Hand()

    async def story() -> None:
        engine = engine_of(house, "node-a", hand)
        await engine.start("node-a", alone=False)
        await asyncio.to_thread(house.trigger, "job", later(0))
        await eventually_async(lambda: hand.began)
        asyncio.get_running_loop().call_later(0.2, hand.gate.set)
        await engine.stop(10)

    asyncio.run(story())
    assert [row["outcome"] for row in house.rows("runs")] == ["ok"]


def test_it_beats_until_its_runs_have_ended(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dogwatch.engine.heart.BEAT_S", 0.01)
    house.job(at=later(0), schedule=SELDOM)
    hand = Hand()

    async def beats_after(at: datetime) -> None:
        await eventually_async(lambda: house.rows("nodes")[0]["beat_at"] > at, within_s=5)

    async def story() -> None:
        engine = engine_of(house, "node-a", hand)
        await engine.start("node-a", alone=False)
        await asyncio.to_thread(house.trigger, "job", later(0))
        await eventually_async(lambda: hand.began)
        leaving = asyncio.create_task(engine.stop(60))
        for _ in range(2):  # the first may be one that was under way
            await asyncio.sleep(0)
            await beats_after(CLOCK.now())
        hand.gate.set()
        await leaving

    asyncio.run(story())
    assert [row["outcome"] for row in house.rows("runs")] == ["ok"]


def test_it_leaves_even_while_the_database_is_away(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_given: object) -> None:
        raise Problem("away", "the database cannot be reached")

    async def story() -> None:
        engine = engine_of(house, "node-a", passing())
        await engine.start("node-a", alone=False)
        with monkeypatch.context() as patch:
            patch.setattr(house.database, "awrite", away)
            await asyncio.wait_for(engine.stop(1), 5)

    asyncio.run(story())
    assert [row["id"] for row in house.rows("nodes")] == ["node-a"]


def test_a_start_after_a_while_away_records_the_gap(house: House) -> None:
    house.join("before", later(-3600), alone=True)

    async def story() -> None:
        async with running(house, passing(), "node-a"):
            assert len(house.rows("outages")) == 1

    asyncio.run(story())
    (gap,) = house.rows("outages")
    assert (gap["end_at"] - gap["start_at"]).total_seconds() == pytest.approx(3600, abs=30)
