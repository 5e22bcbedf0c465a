"""The scheduler fires each slot once, at its time."""

import asyncio

from dogwatch.core.run import CatchUp
from dogwatch.engine.scheduler import BATCH, POLL_S
from tests.harness.crew import Crew


def test_it_waits_for_the_slot_and_no_longer_than_the_poll(crew: Crew) -> None:
    crew.house.job()
    scheduler = crew.scheduler()
    assert asyncio.run(scheduler.step()) == POLL_S
    crew.clock.advance(59.6)
    assert 0.3 < asyncio.run(scheduler.step()) <= 0.41
    assert crew.house.slots() == []


def test_it_fires_at_the_slot_once(crew: Crew) -> None:
    crew.house.job()
    scheduler = crew.scheduler()
    crew.clock.advance(60)
    assert asyncio.run(scheduler.step()) == POLL_S
    asyncio.run(scheduler.step())
    assert crew.house.slots() == [(60, "queued")]


def test_without_jobs_it_polls(crew: Crew) -> None:
    assert asyncio.run(crew.scheduler().step()) == POLL_S


def test_it_goes_on_at_once_while_a_batch_is_full(crew: Crew) -> None:
    for number in range(BATCH + 1):
        crew.house.job(f"job-{number}")
    scheduler = crew.scheduler()
    crew.clock.advance(60)
    assert asyncio.run(scheduler.step()) == 0
    assert asyncio.run(scheduler.step()) == POLL_S
    assert len(crew.house.rows("runs")) == BATCH + 1


def test_slots_that_passed_are_told_apart_from_the_one_caught_up(crew: Crew) -> None:
    crew.house.job(catch_up=CatchUp.LAST)
    crew.clock.advance(185)
    asyncio.run(crew.scheduler().step())
    assert crew.house.slots() == [(60, "missed"), (120, "missed"), (180, "queued")]


def test_two_nodes_fire_a_slot_once(two: tuple[Crew, Crew]) -> None:
    one, other = two
    for number in range(30):
        one.house.job(f"job-{number}")
    one.clock.advance(60)

    async def both() -> None:
        await asyncio.gather(one.scheduler().step(), other.scheduler().step())
        await asyncio.gather(one.scheduler().step(), other.scheduler().step())

    asyncio.run(both())
    assert len(one.house.rows("runs")) == len(one.house.rows("tasks")) == 30


def test_a_clock_set_forward_fires_nothing_twice(crew: Crew) -> None:
    crew.house.job()
    crew.clock.advance(60)
    asyncio.run(crew.scheduler().step())
    crew.clock.step_wall(7200)
    asyncio.run(crew.scheduler().step())
    asyncio.run(crew.scheduler().step())
    slots = [slot for slot, _ in crew.house.slots()]
    assert len(slots) == len(set(slots)) == 121


def test_what_is_due_now_comes_before_what_was_missed(crew: Crew) -> None:
    house = crew.house
    house.job("old")
    house.job("new", at=7190)
    assert house.fire(7200, limit=1) == 1
    assert (house.slots("new"), house.slots("old")) == ([(7200, "queued")], [])
    house.fire(7200, limit=1)
    assert len(house.slots("old")) == 120


def test_a_long_outage_has_a_thousand_lines_that_the_ledger_takes_for_all(crew: Crew) -> None:
    house, two_days_s = crew.house, 2 * 86_400
    house.job()
    while house.fire(two_days_s):
        pass
    assert [slot for slot, _ in house.slots()[-2:]] == [60_000, two_days_s]
    assert house.audit(two_days_s + 1) == []


def test_catching_up_is_cut_into_transactions(crew: Crew) -> None:
    for number in range(3):
        crew.house.job(f"job-{number}", schedule="every 1s")
    crew.clock.advance(500)
    scheduler = crew.scheduler()
    assert asyncio.run(scheduler.step()) < POLL_S / 10
    assert len(crew.house.rows("runs")) == 1000
    asyncio.run(scheduler.step())
    assert len(crew.house.rows("runs")) == 1500
