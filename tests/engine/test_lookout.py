"""The lookout: patient where nobody could ask, so that what waits is asked before it is told of."""

import asyncio

import pytest

from dogwatch.core.alerts import Event, Rule
from dogwatch.engine.lookout import EVERY_S, Lookout
from tests.harness.clock import ManualClock
from tests.harness.house import House
from tests.harness.probing import Probing


@pytest.fixture
def lookout(house: House, manual_clock: ManualClock) -> Lookout:
    """A lookout over a probe that nobody asks."""
    house.channel(rule=Rule("", "", frozenset({Event.DOWN})))
    Probing(house).make()
    return Lookout(house.database, manual_clock)


def told(house: House, lookout: Lookout, clock: ManualClock, seconds: float) -> int:
    """Look on for so long; return how many messages there are then."""
    for _ in range(int(seconds / EVERY_S)):
        assert asyncio.run(lookout.step()) == EVERY_S
        clock.advance(EVERY_S)
    return len(house.rows("deliveries"))


def test_it_tells_once_of_what_nobody_asks(
    house: House, lookout: Lookout, manual_clock: ManualClock
) -> None:
    assert told(house, lookout, manual_clock, 90) == 0
    assert told(house, lookout, manual_clock, 300) == 1


@pytest.mark.parametrize("by_s", [-7200, 61, 7200])
def test_a_clock_that_is_set_makes_nothing_overdue(
    house: House, lookout: Lookout, manual_clock: ManualClock, by_s: float
) -> None:
    manual_clock.step_wall(by_s)
    assert told(house, lookout, manual_clock, 90) == 0


def test_nor_does_a_node_that_stood_still(
    house: House, lookout: Lookout, manual_clock: ManualClock
) -> None:
    told(house, lookout, manual_clock, 30)
    manual_clock.advance(600)
    assert told(house, lookout, manual_clock, 90) == 0
    assert told(house, lookout, manual_clock, 90) == 1
