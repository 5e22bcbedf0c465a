"""A house whose engine is stepped by hand, on each kind of database."""

from collections.abc import Iterator

import pytest

from dogwatch.store.database import Database
from tests.harness.clock import ManualClock
from tests.harness.crew import Crew
from tests.harness.house import House


@pytest.fixture
def house(database: Database) -> House:
    """One workspace in a fresh database."""
    return House(database)


@pytest.fixture
def crew(house: House, manual_clock: ManualClock) -> Crew:
    """The parts of an engine for the house."""
    return Crew(house, manual_clock)


@pytest.fixture
def two(postgres_url: str, manual_clock: ManualClock) -> Iterator[tuple[Crew, Crew]]:
    """Two nodes on one PostgreSQL database, each with connections of its own."""
    both = Database.open(postgres_url), Database.open(postgres_url)
    yield (
        Crew(House(both[0]), manual_clock, "node-a"),
        Crew(House(both[1]), manual_clock, "node-b"),
    )
    for database in both:
        database.close()
