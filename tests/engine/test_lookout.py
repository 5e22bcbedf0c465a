"""The lookout: patient at first, so that what waits after a start is asked before it is told of."""

import asyncio

from dogwatch.engine.lookout import EVERY_S, PATIENCE_S, Lookout
from tests.harness.clock import ManualClock
from tests.harness.house import House


def test_it_looks_when_others_had_the_time(house: House, manual_clock: ManualClock) -> None:
    lookout = Lookout(house.database, manual_clock)
    assert asyncio.run(lookout.step()) == PATIENCE_S
    manual_clock.advance(PATIENCE_S)
    assert asyncio.run(lookout.step()) == EVERY_S
