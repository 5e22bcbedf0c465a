"""Houses to test in: one on each kind of database, and two nodes on one PostgreSQL."""

from collections.abc import Iterator

import pytest

from dogwatch.store.database import Database
from tests.harness.house import House


@pytest.fixture
def house(database: Database) -> House:
    """One workspace in a fresh database."""
    return House(database)


@pytest.fixture
def nodes(postgres_url: str) -> Iterator[tuple[House, House]]:
    """Two processes at work on one PostgreSQL database."""
    both = Database.open(postgres_url), Database.open(postgres_url)
    yield House(both[0]), House(both[1])
    for database in both:
        database.close()
