"""How far back claims look, on both databases."""

import asyncio
from datetime import datetime, timedelta

from dogwatch.engine.low_water import LOOK, SLACK, WHOLE_LOOK, LowWater
from dogwatch.store import tasks
from dogwatch.store.tasks import NewTask
from tests.harness.crew import Crew


def low_water(crew: Crew) -> LowWater:
    """Return that of the http lane."""
    return LowWater("http", crew.house.database, crew.clock)


def queue(crew: Crew, name: str, run_at: datetime, ordering: str | None = None) -> None:
    """Queue a task of that lane."""
    new = NewTask(crew.house.workspace.id, "http", name, "", run_at, ordering)
    crew.house.do(tasks.add_many, [new])


def since(water: LowWater) -> datetime:
    return asyncio.run(water.since_at())


def test_it_follows_the_clock_while_nothing_waits(crew: Crew) -> None:
    water = low_water(crew)
    assert since(water) == crew.clock.now() - SLACK
    crew.clock.advance(60)
    assert since(water) == crew.clock.now() - SLACK


def test_it_stays_below_what_waits_for_another(crew: Crew) -> None:
    water, queued_at = low_water(crew), crew.clock.now()
    queue(crew, "first", queued_at, "one")
    queue(crew, "second", queued_at, "one")
    (first,) = crew.house.do(tasks.claim, "http", "a", queued_at, 10)
    for _ in range(9):
        crew.clock.advance(600)
        assert since(water) == queued_at - SLACK
    crew.house.do(tasks.done_many, [first])
    (second,) = crew.house.do(tasks.claim, "http", "a", crew.clock.now(), 10, since(water))
    assert second.ref_id == "second"


def test_what_was_committed_too_late_is_found_by_a_look_at_everything(crew: Crew) -> None:
    water, began_at = low_water(crew), crew.clock.now()
    since(water)
    crew.clock.advance(10)
    since(water)
    queue(crew, "late", began_at)
    crew.clock.advance(LOOK.total_seconds())
    assert since(water) > began_at
    crew.clock.advance(WHOLE_LOOK.total_seconds())
    assert since(water) == began_at - SLACK


def test_it_follows_a_clock_that_is_set_back(crew: Crew) -> None:
    water = low_water(crew)
    since(water)
    crew.clock.step_wall(-7200)
    assert since(water) == crew.clock.now() - SLACK


def test_it_looks_once_a_second(crew: Crew) -> None:
    water, at = low_water(crew), crew.clock.now()
    crew.clock.advance(30)
    before = since(water)
    queue(crew, "late", at)
    crew.clock.advance(LOOK.total_seconds() / 2)
    assert since(water) == before
    assert before == at + timedelta(seconds=30) - SLACK
