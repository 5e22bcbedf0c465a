"""The sweeper judges silence at its time, and never its own."""

import asyncio
from typing import Any

from dogwatch.engine.sweeper import POLL_S, Sweeper
from tests.harness.crew import Crew
from tests.harness.house import after, heard


def heard_watch(crew: Crew, **spec: Any) -> None:
    """Make a watch of every ten minutes with a minute of grace, up since noon."""
    crew.house.watch("nightly", **spec)
    crew.house.ping(heard(crew.house.find("nightly"), 1))


def test_without_a_deadline_it_polls(crew: Crew) -> None:
    assert asyncio.run(crew.sweeper().step()) == POLL_S


def test_it_flips_exactly_at_the_deadline(crew: Crew) -> None:
    heard_watch(crew)
    crew.join()
    _watch_on(crew, 654)
    sweeper = crew.sweeper()
    crew.clock.advance(5.875)
    assert 0 < asyncio.run(sweeper.step()) <= 0.125
    assert crew.house.flips("nightly") == [("new", "up")]
    crew.clock.advance(0.125)
    assert asyncio.run(sweeper.step()) == 0
    assert crew.house.flips("nightly") == [("new", "up"), ("up", "down")]
    assert crew.house.rows("flips")[-1]["at"] == after(660)
    assert asyncio.run(sweeper.step()) == POLL_S


def test_a_process_that_was_stopped_blames_nobody(crew: Crew) -> None:
    heard_watch(crew)
    crew.join()
    _watch_on(crew, 654)
    crew.clock.advance(60)
    asyncio.run(crew.sweeper().step())
    assert crew.house.flips("nightly") == [("new", "up")]
    gap = crew.house.rows("outages")[0]
    assert (gap["start_at"], gap["end_at"]) == (after(654), after(714))


def test_real_silence_after_a_stop_is_told(crew: Crew) -> None:
    heard_watch(crew)
    crew.join()
    _watch_on(crew, 654)
    crew.clock.advance(60)
    asyncio.run(crew.sweeper().step())
    _watch_on(crew, 60)
    assert crew.house.flips("nightly") == [("new", "up"), ("up", "down")]
    assert crew.house.rows("flips")[-1]["at"] == after(714 + 60)


def test_a_lazy_hint_is_moved_not_believed(crew: Crew) -> None:
    heard_watch(crew)
    crew.join()
    _watch_on(crew, 600)
    crew.house.ping(heard(crew.house.find("nightly"), 600))
    assert crew.house.find("nightly").due_at == after(660)
    _watch_on(crew, 60)
    assert crew.house.flips("nightly") == [("new", "up")]
    assert crew.house.find("nightly").due_at == after(1260)


def test_a_clock_set_forward_alarms_nobody(crew: Crew) -> None:
    heard_watch(crew)
    crew.join()
    asyncio.run(crew.heart(None).step())
    crew.clock.step_wall(7200)
    asyncio.run(crew.sweeper().step())
    assert crew.house.flips("nightly") == [("new", "up")]
    crew.house.ping(heard(crew.house.find("nightly"), crew.seconds + 30))
    _watch_on(crew, 300)
    assert crew.house.flips("nightly") == [("new", "up")]


def test_a_clock_set_back_alarms_nobody_and_silence_is_told_in_time(crew: Crew) -> None:
    heard_watch(crew, schedule="every 10m")
    crew.join()
    sweeper = crew.sweeper()
    asyncio.run(crew.heart(None).step())
    crew.clock.step_wall(7200)
    _watch_on(crew, 30, sweeper)
    crew.house.ping(heard(crew.house.find("nightly"), crew.seconds))
    crew.clock.step_wall(-7200)
    _watch_on(crew, 600, sweeper)
    assert crew.house.flips("nightly") == [("new", "up")]
    _watch_on(crew, 90, sweeper)
    assert crew.house.flips("nightly") == [("new", "up"), ("up", "down")]


def _watch_on(crew: Crew, seconds: int, sweeper: Sweeper | None = None) -> None:
    sweeper = sweeper or crew.sweeper()
    for _ in range(seconds // 2):
        crew.clock.advance(2)
        asyncio.run(crew.heart(None).step())
        asyncio.run(sweeper.step())
