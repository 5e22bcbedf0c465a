"""The janitor prunes a little at a time and then rests."""

import asyncio

from dogwatch.engine.janitor import BREATH_S, EVERY_S, Janitor
from dogwatch.store.retention import Keep
from tests.harness.crew import Crew
from tests.harness.house import heard


def test_it_prunes_in_batches_until_nothing_is_too_much(crew: Crew) -> None:
    crew.house.watch("nightly")
    watch = crew.house.find("nightly")
    for first in range(0, 1200, 400):
        crew.house.ping(*(heard(watch, first + n) for n in range(400)), at=1200)
    crew.clock.advance(1200)
    janitor = Janitor(crew.house.database, crew.clock, {"pings": Keep(30, 100)}, 30)
    assert asyncio.run(janitor.step()) == BREATH_S
    assert 100 < len(crew.house.rows("pings")) < 1200
    while asyncio.run(janitor.step()) == BREATH_S:
        pass
    assert asyncio.run(janitor.step()) == EVERY_S
    assert len(crew.house.rows("pings")) == 100


def test_what_is_old_goes(crew: Crew) -> None:
    crew.house.watch("nightly")
    crew.house.ping(heard(crew.house.find("nightly"), 1))
    janitor = Janitor(crew.house.database, crew.clock, {"pings": Keep(30, 100)}, 30)
    assert asyncio.run(janitor.step()) == EVERY_S
    crew.clock.advance(31 * 86_400)
    assert asyncio.run(janitor.step()) == BREATH_S
    assert crew.house.rows("pings") == []
