"""The worker: places, retries, cancelling, fencing, and leaving nothing half done."""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from typing import Any

import pytest

from dogwatch.core.problems import Problem
from dogwatch.core.result import Outcome, Result
from dogwatch.core.run import LostRun, Overlap
from dogwatch.engine import worker as workers
from dogwatch.engine.worker import POLL_S, Worker
from dogwatch.store.database import Database, Tx
from dogwatch.store.runs import cancel_asked
from dogwatch.usecases import runs, watches
from tests.eventually import eventually_async
from tests.harness.clock import ManualClock
from tests.harness.crew import Crew, Hand, passing
from tests.harness.house import House

BAD = Result(Outcome.FAIL, "exit status 1", exit_code=1)


class Away(Database):
    """A database that says that it is away as long as `away` is set."""

    away = False

    async def awrite(self, fn: Callable[[Tx], Any], workspace_id: int | None = None) -> Any:
        if self.away:
            raise Problem("away", "the database cannot be reached")
        return await super().awrite(fn, workspace_id)


@pytest.fixture
def fading(database_url: str, manual_clock: ManualClock) -> Any:
    """A node whose database can be sent away."""
    database = Away.open(database_url)
    yield Crew(House(database), manual_clock)
    database.close()


def go(work: Coroutine[Any, Any, None]) -> None:
    """Run a story on an event loop of its own."""
    asyncio.run(work)


def outcomes(crew: Crew, slug: str = "job") -> list[str]:
    """Return what the ledger says of the runs of a job, in order of their slots."""
    return [said for _, said in crew.house.slots(slug)]


async def began(hand: Hand, count: int) -> None:
    """Wait until so many runs began."""
    await eventually_async(lambda: len(hand.began) >= count, what="runs to begin")


# --- places ----------------------------------------------------------------------------------


def test_a_run_is_claimed_done_and_written(crew: Crew) -> None:
    crew.house.job()
    crew.house.trigger(given="words")
    hand = passing(Result(Outcome.OK, duration_ms=12, status_code=204))

    async def story() -> None:
        worker = crew.worker(hand)
        assert await worker.step() == 0
        await worker.idle()
        assert await worker.step() == POLL_S

    go(story())
    (run,) = crew.house.rows("runs")
    assert (run["outcome"], run["duration_ms"], run["status_code"]) == ("ok", 12, 204)
    assert hand.began[0].run.input == "words"
    assert crew.house.rows("tasks") == []


def test_no_more_run_at_once_than_there_are_places(crew: Crew) -> None:
    for number in range(7):
        crew.house.job(f"job-{number}")
        crew.house.trigger(f"job-{number}")
    hand = Hand()

    async def story() -> None:
        worker = crew.worker(hand, concurrency=3)
        await worker.step()
        assert await worker.step() == POLL_S
        await began(hand, 3)
        hand.gate.set()
        while len(hand.began) < 7:
            await worker.idle()
            await worker.step()
        await worker.idle()

    go(story())
    assert hand.most == 3
    assert {row["outcome"] for row in crew.house.rows("runs")} == {"ok"}


def test_a_place_that_is_free_again_is_told(crew: Crew) -> None:
    crew.house.job()
    crew.house.trigger()
    told: list[str] = []

    async def story() -> None:
        worker = crew.worker(passing())
        worker.on_end = lambda: told.append("end")
        await worker.step()
        await worker.idle()

    go(story())
    assert told == ["end"]


def test_a_lane_takes_its_own_runs_alone(crew: Crew) -> None:
    crew.house.job()
    crew.house.trigger()
    hand = passing()
    go(_once(crew.worker(hand, lane="script")))
    assert hand.began == []


async def _once(worker: Worker) -> None:
    await worker.step()
    await worker.idle()


# --- outcomes --------------------------------------------------------------------------------


def test_a_failure_is_tried_again_after_its_backoff(crew: Crew) -> None:
    crew.house.job(max_attempts=3, backoff_s=10)
    crew.house.trigger()
    hand = passing(BAD)
    worker = crew.worker(hand)
    go(_once(worker))
    crew.clock.advance(9)
    go(_once(worker))
    assert outcomes(crew) == ["queued"]
    crew.clock.advance(2)
    go(_once(worker))
    crew.clock.advance(23)
    go(_once(worker))
    assert [work.task.attempt for work in hand.began] == [1, 2, 3]
    assert outcomes(crew) == ["fail"]


def test_each_attempt_keeps_its_output(crew: Crew) -> None:
    crew.house.job(max_attempts=2, backoff_s=0)
    crew.house.trigger()
    hand = passing(BAD)
    worker = crew.worker(hand)
    for words in (b"first\n", b"second\n"):
        hand.says = words
        go(_once(worker))
        crew.clock.advance(2)
    assert [row["text"] for row in crew.house.rows("outputs")] == ["first\n", "second\n"]


def test_a_runner_that_breaks_fails_the_run_without_its_words(crew: Crew) -> None:
    crew.house.job()
    crew.house.trigger()
    hand = passing()
    hand.error = KeyError("s3cret")
    go(_once(crew.worker(hand)))
    (run,) = crew.house.rows("runs")
    assert (run["outcome"], run["reason"]) == ("fail", "internal error; the server's log says more")


def test_a_job_that_cannot_be_read_holds_up_nobody(crew: Crew) -> None:
    from sqlalchemy import update

    from dogwatch.store.tables import jobs

    for slug in ("broken", "whole"):
        crew.house.job(slug)
        crew.house.trigger(slug)
    broken = crew.house.find("broken").id
    crew.house.plant(update(jobs).where(jobs.c.watch_id == broken).values(action=b"dust"))
    go(_once(crew.worker(passing())))
    assert (outcomes(crew, "broken"), outcomes(crew, "whole")) == (["fail"], ["ok"])


# --- cancelling ------------------------------------------------------------------------------


def meanwhile(crew: Crew, hand: Hand, act: Callable[[], object]) -> None:
    """Have a worker begin a run, do something, and have the worker look again."""

    async def story() -> None:
        worker = crew.worker(hand)
        await worker.step()
        await began(hand, 1)
        act()
        await worker.step()
        await worker.idle()

    go(story())


def test_a_running_run_is_cancelled(crew: Crew) -> None:
    crew.house.job()
    run = crew.house.trigger()
    hand = Hand()
    meanwhile(
        crew,
        hand,
        lambda: crew.house.do(
            runs.cancel, crew.house.workspace.id, run.id, "by hand", crew.clock.now()
        ),
    )
    assert hand.killed == [run.id]
    (row,) = crew.house.rows("runs")
    assert (row["outcome"], row["reason"]) == ("skipped", "by hand")


def test_a_running_run_ends_with_its_job(crew: Crew) -> None:
    crew.house.job()
    run = crew.house.trigger()
    hand = Hand()
    meanwhile(crew, hand, lambda: crew.house.on("job", watches.remove))
    assert hand.killed == [run.id]


def test_nothing_is_killed_for_what_only_a_look_into_the_past_says(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    crew.house.job()
    crew.house.trigger()
    hand = Hand()
    looks: list[object] = []

    def asked(tx: Tx, keys: Collection[tuple[int, str]]) -> dict[tuple[int, str], str]:
        looks.append(keys)
        return dict.fromkeys(keys, "gone") if len(looks) == 1 else cancel_asked(tx, keys)

    async def story() -> None:
        worker = crew.worker(hand)
        await worker.step()
        await began(hand, 1)
        monkeypatch.setattr(workers, "cancel_asked", asked)
        await worker.step()
        hand.gate.set()
        await worker.idle()

    go(story())
    assert (len(looks), hand.killed) == (2, [])
    assert crew.house.rows("runs")[0]["outcome"] == "ok"


def test_the_next_run_cancels_the_one_before(crew: Crew) -> None:
    crew.house.job(overlap=Overlap.CANCEL_PREVIOUS)
    hand = Hand()

    async def story() -> None:
        worker, scheduler = crew.worker(hand), crew.scheduler()
        for _ in range(2):
            crew.clock.advance(60)
            await scheduler.step()
            await worker.step()
            await began(hand, 1)
        await eventually_async(lambda: hand.killed, what="the first to be killed")
        hand.gate.set()
        await worker.idle()
        await worker.step()
        await worker.idle()

    go(story())
    assert hand.killed == [hand.began[0].run.id]
    assert hand.most == 1
    assert crew.house.slots() == [(60, "skipped"), (120, "ok")]


def test_a_wish_that_comes_after_the_end_changes_nothing(fading: Crew) -> None:
    crew = fading
    crew.house.job()
    run = crew.house.trigger()
    hand = passing()

    async def story() -> None:
        worker = crew.worker(hand)
        await worker.step()
        crew.house.database.away = True  # type: ignore[attr-defined]  # the test's own kind
        await began(hand, 1)
        await eventually_async(lambda: not worker._running)
        crew.house.do(runs.cancel, crew.house.workspace.id, run.id, "by hand", crew.clock.now())
        with pytest.raises(Problem):
            await worker.step()
        crew.house.database.away = False  # type: ignore[attr-defined]  # the test's own kind
        await worker.idle()

    go(story())
    assert outcomes(crew) == ["ok"]


# --- a database that goes away ------------------------------------------------------------------


def test_an_outcome_waits_for_the_database(fading: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "RETRY_WRITE_S", 0.01)
    crew = fading
    crew.house.job()
    crew.house.trigger()
    hand = Hand(says=b"words")

    async def story() -> None:
        worker = crew.worker(hand)
        await worker.step()
        await began(hand, 1)
        crew.house.database.away = True  # type: ignore[attr-defined]  # the test's own kind
        hand.gate.set()
        await asyncio.wait(worker._going, timeout=0.4)
        assert outcomes(crew) == ["running"]
        crew.house.database.away = False  # type: ignore[attr-defined]  # the test's own kind
        await worker.idle()

    go(story())
    assert outcomes(crew) == ["ok"]
    assert [row["text"] for row in crew.house.rows("outputs")] == ["words"]


def test_a_node_that_leaves_waits_for_no_database(fading: Crew) -> None:
    crew = fading
    crew.house.job()
    crew.house.trigger()
    hand = Hand()

    async def story() -> None:
        worker = crew.worker(hand)
        await worker.step()
        await began(hand, 1)
        crew.house.database.away = True  # type: ignore[attr-defined]  # the test's own kind
        await asyncio.wait_for(worker.drain(0.01), 60)

    go(story())
    assert len(hand.killed) == 1
    assert outcomes(crew) == ["running"]


# --- leaving and losing --------------------------------------------------------------------------


def test_draining_lets_a_run_end_within_the_grace(crew: Crew) -> None:
    crew.house.job()
    crew.house.trigger()
    hand = Hand()

    async def story() -> None:
        worker = crew.worker(hand)
        await worker.step()
        await began(hand, 1)
        asyncio.get_running_loop().call_soon(hand.gate.set)
        await worker.drain(10)

    go(story())
    assert outcomes(crew) == ["ok"]


@pytest.mark.parametrize(("policy", "outcome"), [(LostRun.RERUN, "queued"), (LostRun.FAIL, "fail")])
def test_draining_gives_back_what_does_not_end(crew: Crew, policy: LostRun, outcome: str) -> None:
    crew.house.job(lost_run=policy)
    crew.house.trigger()
    hand = Hand()

    async def story() -> None:
        worker = crew.worker(hand)
        await worker.step()
        await began(hand, 1)
        await worker.drain(0.01)

    go(story())
    assert len(hand.killed) == 1
    assert outcomes(crew) == [outcome]
    assert [row["node_id"] for row in crew.house.rows("tasks")] == [None] * (outcome == "queued")


def test_dropping_kills_and_writes_no_outcome(crew: Crew) -> None:
    crew.house.job()
    crew.house.trigger()
    hand = Hand()

    async def story() -> None:
        worker = crew.worker(hand)
        await worker.step()
        await began(hand, 1)
        worker.drop()
        await worker.idle()

    go(story())
    assert len(hand.killed) == 1
    assert outcomes(crew) == ["running"]


def test_after_a_stop_the_run_is_done_anew_and_once(crew: Crew) -> None:
    crew.join()
    crew.house.job(lost_run=LostRun.RERUN)
    crew.house.trigger()
    hand = Hand()

    async def story() -> None:
        worker = crew.worker(hand)
        heart = crew.heart(worker.drop)
        await worker.step()
        await began(hand, 1)
        crew.clock.advance(60)
        await heart.step()
        await worker.idle()
        hand.gate.set()
        await worker.step()
        await worker.idle()

    go(story())
    assert [work.task.attempt for work in hand.began] == [1, 2]
    assert outcomes(crew) == ["ok"]
    assert crew.house.rows("tasks") == []


def test_a_zombie_changes_nothing(two: tuple[Crew, Crew]) -> None:
    one, other = two
    one.join()
    other.join()
    one.house.job(lost_run=LostRun.RERUN)
    one.house.trigger()
    zombie, second = Hand(BAD), passing(Result(Outcome.OK, "second", status_code=200))

    async def story() -> None:
        dying, living = one.worker(zombie), other.worker(second)
        await dying.step()
        await began(zombie, 1)
        for _ in range(4):
            one.clock.advance(3)
            await other.heart().step()
        await living.step()
        await living.idle()
        before = one.house.everything()
        zombie.gate.set()
        await dying.idle()
        assert one.house.everything() == before

    go(story())
    assert [work.task.attempt for work in zombie.began + second.began] == [1, 2]
    (run,) = one.house.rows("runs")
    assert (run["outcome"], run["reason"], run["status_code"]) == ("ok", "second", 200)
