"""The conductor begins what is due, at once, and looks again when it must."""

import asyncio

import pytest

from dogwatch.core.conditional import ConditionalAction, On
from dogwatch.engine.conductor import POLL_S, Conductor
from tests.harness.crew import Crew
from tests.harness.flowing import Flowing

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def conductor(crew: Crew) -> Conductor:
    return Conductor(crew.house.database, crew.clock)


def test_without_workflows_it_polls(crew: Crew) -> None:
    assert asyncio.run(conductor(crew).step()) == POLL_S


def test_it_begins_a_run_and_looks_after_it_in_time(crew: Crew) -> None:
    flowing, loop = Flowing(crew.house), conductor(crew)
    flowing.make("a>b", timeout_s=10)
    run = crew.house.trigger("flow")
    assert asyncio.run(loop.step()) == 0
    assert flowing.told(run) == "a going, b -"
    assert asyncio.run(loop.step()) == POLL_S
    crew.clock.advance(9.7)
    assert 0.2 < asyncio.run(loop.step()) <= 0.31
    crew.clock.advance(0.3)
    asyncio.run(loop.step())
    assert flowing.ended(run) == ("timeout", "it took more than 10 s")


def test_it_carries_out_what_follows_a_run(crew: Crew) -> None:
    flowing, loop = Flowing(crew.house), conductor(crew)
    for name in ("job-a", "job-b"):
        crew.house.job(name, schedule=None, kind="script")
    flowing.acts("job-a", ConditionalAction(On.ALWAYS, run="job-b"))
    crew.house.trigger("job-a")
    flowing.finish(flowing.claim(0)["a"], 0)
    assert asyncio.run(loop.step()) == 0
    assert list(flowing.claim(0)) == ["b"]
    assert loop.topics == {"workflow", "effect"}
