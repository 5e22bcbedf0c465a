"""The prober: asks, asks again, writes what came of it, and loses nothing."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from dogwatch.core.probe.target import Target
from dogwatch.core.problems import Problem
from dogwatch.core.result import Outcome, Result
from dogwatch.engine.prober import POLL_S, TICK_S, Prober
from dogwatch.store.database import Database, Tx
from dogwatch.usecases import probing
from tests.eventually import eventually_async
from tests.harness.clock import ManualClock
from tests.harness.house import House, after
from tests.harness.probing import Probing

GOOD = Result(Outcome.OK, "status 200", duration_ms=7)
BAD = Result(Outcome.FAIL, "status 500", error="status")


class Endpoint:
    """Answers what it is told to, in turn, the last one for ever."""

    def __init__(self, *answers: Result | Exception) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.gate: asyncio.Event | None = None

    async def __call__(self, target: Target) -> Result:
        del target
        self.asked += 1
        if self.gate:
            await self.gate.wait()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Fading(Database):
    """A database that fails as it is told."""

    trouble: Exception | None = None

    async def awrite(self, fn: Callable[[Tx], Any], workspace_id: int | None = None) -> Any:
        if self.trouble:
            raise self.trouble
        return await super().awrite(fn, workspace_id)


@pytest.fixture
def database(database_url: str) -> Any:
    """A database that can fail."""
    opened = Fading.open(database_url)
    yield opened
    opened.close()


@pytest.fixture
def asking(house: House) -> Probing:
    """A house with one probe, due at a minute past noon."""
    asking = Probing(house)
    asking.make(rechecks=0)
    return asking


def prober(asking: Probing, clock: ManualClock, ask: Endpoint, concurrency: int = 5) -> Prober:
    """Return a prober of the house, at the time of the clock."""
    house = asking.house
    return Prober("here", concurrency, ask, house.database, clock, house.vault, "node-a")


def go(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


def test_what_is_due_is_asked_and_written_with_the_next_tick(
    asking: Probing, manual_clock: ManualClock
) -> None:
    async def story() -> None:
        ours = prober(asking, manual_clock, Endpoint(GOOD))
        assert await ours.step() == POLL_S
        manual_clock.advance(60)
        assert await ours.step() == TICK_S
        await ours.idle()
        await ours.step()
        assert await ours.step() == POLL_S

    go(story())
    assert asking.house.slots("shop") == [(60, "ok")]
    assert asking.status() == "up"


@pytest.mark.parametrize(
    ("answers", "waits", "reason"),
    [
        ([GOOD], [], "status 200"),
        ([BAD, GOOD], [3], "status 200"),
        ([BAD, BAD, BAD, GOOD], [3, 3], "status 500 (asked 3 times)"),
    ],
)
def test_a_bad_slot_is_asked_again_before_it_counts(
    house: House, manual_clock: ManualClock, answers: list[Result], waits: list[float], reason: str
) -> None:
    asking, waited = Probing(house), []
    asking.make(rechecks=2, recheck_after_s=3)
    manual_clock.advance(60)

    async def pause(seconds: float) -> None:
        waited.append(seconds)

    async def story() -> None:
        ours = prober(asking, manual_clock, Endpoint(*answers))
        ours.pause = pause
        await ours.step()
        await ours.idle()
        await ours.step()

    go(story())
    assert waited == waits
    assert [row["reason"] for row in house.rows("runs")] == [reason]


def test_no_more_are_asked_at_once_than_there_are_places(
    house: House, manual_clock: ManualClock
) -> None:
    asking, endpoint = Probing(house), Endpoint(GOOD)
    for number in range(5):
        asking.make(f"p{number}")
    manual_clock.advance(60)

    async def story() -> None:
        endpoint.gate = asyncio.Event()
        ours = prober(asking, manual_clock, endpoint, concurrency=2)
        await ours.step()
        await ours.step()
        await eventually_async(lambda: endpoint.asked >= 2, what="questions")
        assert endpoint.asked == 2
        endpoint.gate.set()
        while len(house.rows("runs")) < 5:
            await ours.idle()
            await ours.step()

    go(story())
    assert endpoint.asked == 5


def test_answers_wait_for_a_database_that_is_away(
    asking: Probing, manual_clock: ManualClock, database: Fading
) -> None:
    async def story() -> None:
        ours = prober(asking, manual_clock, Endpoint(BAD))
        manual_clock.advance(60)
        await ours.step()
        await ours.idle()
        database.trouble = Problem("away", "the database cannot be reached")
        with pytest.raises(Problem):
            await ours.step()
        database.trouble = None
        await ours.step()

    go(story())
    assert asking.house.slots("shop") == [(60, "fail")]


def test_an_answer_that_cannot_be_written_holds_up_no_other(
    house: House, manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking = Probing(house)
    asking.make("bad")
    asking.make("good")
    manual_clock.advance(60)
    bad_id, write = house.find("bad").id, probing.finish

    def finish(tx: Tx, replies: Any, at: Any) -> None:
        if any(reply.question.place[1] == bad_id for reply in replies):
            raise ValueError("planted")
        write(tx, replies, at)

    monkeypatch.setattr(probing, "finish", finish)

    async def story() -> None:
        ours = prober(asking, manual_clock, Endpoint(GOOD))
        await ours.step()
        await ours.idle()
        with pytest.raises(ValueError, match="planted"):
            await ours.step()

    go(story())
    assert (house.slots("bad"), house.slots("good")) == ([], [(60, "ok")])
    assert {row["due_at"] for row in house.rows("probes")} == {after(120)}


def test_a_fault_of_ours_blames_nobody(asking: Probing, manual_clock: ManualClock) -> None:
    async def story() -> None:
        ours = prober(asking, manual_clock, Endpoint(RuntimeError("planted")))
        manual_clock.advance(60)
        await ours.step()
        await ours.idle()
        await ours.step()

    go(story())
    assert asking.house.slots("shop") == [(60, "unknown")]
    assert asking.status() == "new"


def test_leaving_writes_what_was_answered(house: House, manual_clock: ManualClock) -> None:
    asking, endpoint = Probing(house), Endpoint(GOOD)
    asking.make("first")
    manual_clock.advance(60)

    async def story() -> None:
        ours = prober(asking, manual_clock, endpoint)
        await ours.step()
        await ours.idle()
        await ours.drain()

    go(story())
    assert house.slots("first") == [(60, "ok")]


def test_what_was_dropped_is_written_by_nobody(asking: Probing, manual_clock: ManualClock) -> None:
    async def story() -> None:
        ours = prober(asking, manual_clock, Endpoint(BAD))
        manual_clock.advance(60)
        await ours.step()
        await ours.idle()
        ours.drop()
        await ours.drain()

    go(story())
    assert asking.house.rows("runs") == []
    (row,) = asking.house.rows("probes")
    assert (row["due_at"], row["node_id"]) == (None, "node-a")
    assert manual_clock.now() == after(60)
