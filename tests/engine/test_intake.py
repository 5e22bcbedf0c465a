"""The intake sees a jump of time before it judges: what fell due meanwhile blames nobody."""

import asyncio

import pytest

from dogwatch.engine.intake import Intake
from dogwatch.usecases import nodes
from tests.harness.crew import Crew
from tests.harness.house import heard


@pytest.fixture
def intake(crew: Crew) -> Intake:
    """The intake of a node that is alive, with a watch of every ten minutes."""
    made = Intake(crew.house.database, crew.clock)
    made.on_jump = lambda tx, at: nodes.beat(tx, crew.node_id, at)
    crew.house.watch("nightly")
    crew.join()
    return made


def ping(crew: Crew, intake: Intake) -> None:
    asyncio.run(intake.record([heard(crew.house.find("nightly"), crew.seconds)]))


def test_a_ping_after_a_clock_set_forward_finds_the_gap(crew: Crew, intake: Intake) -> None:
    ping(crew, intake)
    crew.clock.step_wall(3600)
    ping(crew, intake)
    outcomes = [outcome for _, outcome in crew.house.slots("nightly")]
    assert outcomes.count("unknown") == 5
    assert "missed" not in outcomes
    assert len(crew.house.rows("outages")) == 1


def test_pings_that_keep_coming_beat_no_more_than_the_heart(crew: Crew, intake: Intake) -> None:
    for _ in range(5):
        crew.clock.advance(7)
        ping(crew, intake)
    assert crew.house.rows("outages") == []
    assert crew.house.rows("nodes")[0]["beat_at"] < crew.clock.now()


def test_a_clock_set_back_is_seen_as_well(crew: Crew, intake: Intake) -> None:
    crew.clock.step_wall(3600)
    asyncio.run(crew.heart(None).step())
    ping(crew, intake)
    crew.clock.step_wall(-3600)
    ping(crew, intake)
    assert crew.house.rows("nodes")[0]["beat_at"] == crew.clock.now()
