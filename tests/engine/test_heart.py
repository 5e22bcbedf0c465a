"""The heart beats, stops work that others may take over, and takes over from the silent."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import delete

from dogwatch.clock import SharedClock
from dogwatch.core.run import LostRun
from dogwatch.engine.heart import BEAT_S, RETRY_S, Heart
from dogwatch.store.database import Tx
from dogwatch.store.tables import metadata
from dogwatch.usecases import nodes
from tests.harness.clock import START_AT, ManualClock
from tests.harness.crew import Crew
from tests.harness.held import Held
from tests.harness.house import after


@pytest.fixture
def drops() -> list[float]:
    """Return the times at which work was dropped."""
    return []


def beating(crew: Crew, drops: list[float], patience_s: float = 10) -> Heart:
    """Return the heart of a joined node."""
    crew.join()
    return crew.heart(lambda: drops.append(crew.seconds), patience_s)


def test_it_beats(crew: Crew, drops: list[float]) -> None:
    heart = beating(crew, drops)
    crew.clock.advance(3)
    assert asyncio.run(heart.step()) == BEAT_S
    assert [row["beat_at"] for row in crew.house.rows("nodes")] == [after(3)]
    assert drops == []


def test_no_beat_for_seven_seconds_drops_the_work(crew: Crew, drops: list[float]) -> None:
    heart = beating(crew, drops, patience_s=0.05)
    held = Held(crew.house.database)
    for seconds in (3, 3.9, 0.2):
        crew.clock.advance(seconds)
        assert asyncio.run(heart.step()) == RETRY_S
    held.release()
    assert drops == [pytest.approx(7.1)]


def test_what_was_dropped_is_lost_at_the_next_beat(crew: Crew, drops: list[float]) -> None:
    heart = beating(crew, drops)
    crew.house.job()
    crew.house.trigger()
    assert len(crew.house.claim(1)) == 1
    crew.clock.advance(8)
    assert asyncio.run(heart.step()) == BEAT_S
    assert drops == [8]
    assert crew.house.slots() == [(None, "fail")]
    assert crew.house.rows("tasks") == []


def test_a_stop_for_longer_than_the_lease_drops_the_work_once(
    crew: Crew, drops: list[float]
) -> None:
    heart = beating(crew, drops)
    crew.clock.advance(60)
    asyncio.run(heart.step())
    crew.clock.advance(3)
    asyncio.run(heart.step())
    assert drops == [60]


def test_alone_nothing_is_dropped(crew: Crew) -> None:
    crew.join(alone=True)
    crew.house.job()
    crew.house.trigger()
    crew.house.claim(1)
    heart = crew.heart(None)
    crew.clock.advance(60)
    asyncio.run(heart.step())
    assert crew.house.slots() == [(None, "running")]


def test_a_clock_set_forward_between_beat_and_reaping_kills_nobody(crew: Crew) -> None:
    crew.join(alone=True)
    crew.house.job()
    crew.house.trigger()
    crew.house.claim(1)
    database = crew.house.database

    def step_on() -> None:
        crew.clock.step_wall(7200)

    heart = Heart(database, crew.clock, "node-a", None, unfolded_at=step_on)
    asyncio.run(heart.step())
    assert crew.house.slots() == [(None, "running")]


def test_a_node_whose_row_is_gone_joins_again(crew: Crew, drops: list[float]) -> None:
    heart = beating(crew, drops)
    crew.house.plant(delete(metadata.tables["nodes"]))
    asyncio.run(heart.step())
    assert [row["id"] for row in crew.house.rows("nodes")] == ["node-a"]


@pytest.mark.parametrize(
    ("policy", "outcome"),
    [(LostRun.FAIL, "fail"), (LostRun.RERUN, "queued"), (LostRun.SKIP, "skipped")],
)
def test_it_reaps_a_silent_node_after_its_lease(
    crew: Crew, drops: list[float], policy: LostRun, outcome: str
) -> None:
    heart = beating(crew, drops)
    crew.house.join("node-b")
    crew.house.job(lost_run=policy)
    crew.house.trigger()
    crew.house.claim(0, "node-b")
    for _ in range(3):
        crew.clock.advance(3)
        asyncio.run(heart.step())
    assert crew.house.slots() == [(None, "running")]
    crew.clock.advance(3)
    asyncio.run(heart.step())
    assert crew.house.slots() == [(None, outcome)]


def test_clocks_of_nodes_that_differ_are_no_step_back(crew: Crew, drops: list[float]) -> None:
    heart = beating(crew, drops)
    crew.house.join("ahead", 5)
    crew.house.job(schedule="every 10m")
    asyncio.run(heart.step())
    crew.clock.advance(3)
    asyncio.run(heart.step())
    assert [row["next_at"] for row in crew.house.rows("jobs")] == [after(600)]


def test_a_clock_set_back_counts_an_interval_anew(crew: Crew, drops: list[float]) -> None:
    heart = beating(crew, drops)
    crew.house.job(schedule="every 10m")
    crew.clock.step_wall(-7200)
    asyncio.run(heart.step())
    assert [row["next_at"] for row in crew.house.rows("jobs")] == [after(600 - 7200)]


def test_a_start_after_the_clock_was_set_back_does_the_same(crew: Crew) -> None:
    crew.join(alone=True)
    crew.house.job(schedule="every 10m")
    crew.clock.step_wall(-7200)
    crew.house.join("next", crew.seconds, alone=True)
    assert [row["next_at"] for row in crew.house.rows("jobs")] == [after(600 - 7200)]


def sharing(crew: Crew, ahead_s: float) -> Heart:
    """Return the heart of a joined node whose own clock is wrong."""
    clock = SharedClock(ManualClock(START_AT + timedelta(seconds=ahead_s)))

    def agree(tx: Tx) -> None:
        nodes.agree(tx, clock)

    crew.house.do(agree)
    crew.house.do(nodes.join, crew.node_id, "", clock.now(), alone=False)
    return Heart(crew.house.database, clock, crew.node_id, lambda: None, 10, agree=agree)


def test_nodes_whose_clocks_are_an_hour_apart_agree(two: tuple[Crew, Crew]) -> None:
    hearts = [sharing(crew, ahead_s) for crew, ahead_s in zip(two, (0, 3600), strict=True)]
    house = two[0].house
    for crew in two:
        house.job(crew.node_id)
        house.trigger(crew.node_id)
        assert len(house.claim(0, crew.node_id)) == 1
    for heart in hearts * 2:
        asyncio.run(heart.step())
    assert [house.slots(crew.node_id) for crew in two] == [[(None, "running")]] * 2
    assert house.rows("outages") == []
    one, other = (row["beat_at"] for row in house.rows("nodes"))
    assert abs(one - other) < timedelta(minutes=10)
