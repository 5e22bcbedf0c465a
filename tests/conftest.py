"""What many tests are handed: real databases of both kinds, and a clock they move."""

import asyncio
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop
from hypothesis import HealthCheck, settings

from dogwatch.store import migrate
from dogwatch.store.database import Database
from tests.harness.clock import ManualClock
from tests.harness.copies import Copies
from tests.harness.postgres import PostgresMissing, PostgresServer, running_postgres

_TEMPLATE = "dogwatch_template"


# How long an example takes says how busy the machine is, not whether it holds; and a run says of
# the same code what the one before it said.
settings.register_profile(
    "patient", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("patient")


# Files whose tests wait for real processes come first, or one of them is left running at the end.
_LONG = (
    "tests/web/api/test_contract.py", "tests/browser/", "tests/boot/", "tests/e2e/",
    "tests/faults/",
)  # fmt: skip


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Twice as many workers as cores, since many tests wait for processes of their own."""
    return 2 * (os.cpu_count() or 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first."""
    items.sort(key=lambda item: [item.nodeid.startswith(long) for long in _LONG], reverse=True)


def pytest_configure() -> None:
    """Run on the event loop that the server runs on, which lacks some of what asyncio's has.

    Hear Ctrl-C, as do the programs that tests start, even where a shell ran us by `&`. The clock on
    the wall shows UTC, for them as well.
    """
    os.environ["TZ"] = "UTC"
    time.tzset()
    asyncio.events.new_event_loop = uvloop.new_event_loop  # which asyncio.run makes its loops by
    uvloop.new_event_loop().close()  # libuv keeps one pipe per process, made with the first
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for this session of tests."""
    try:
        with running_postgres() as server:
            yield server
    except PostgresMissing as missing:
        if os.environ.get("CI"):
            pytest.fail(str(missing))
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def migrated_postgres(postgres: PostgresServer) -> PostgresServer:
    """The server, with a migrated database to copy."""
    migrate.upgrade(postgres.create(_TEMPLATE))
    return postgres


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database file to copy."""
    path = tmp_path_factory.mktemp("template") / "dogwatch.db"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def copies(migrated_postgres: PostgresServer) -> Iterator[Copies]:
    """Databases that one test after the other uses."""
    made = Copies(migrated_postgres, _TEMPLATE)
    yield made
    made.close()


@pytest.fixture
def postgres_url(migrated_postgres: PostgresServer, copies: Copies) -> Iterator[str]:
    """The URL of an empty, migrated PostgreSQL database."""
    name = copies.take()
    yield migrated_postgres.url(name)
    copies.give_back(name)


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """The URL of a fresh, migrated SQLite file."""
    path = tmp_path / "data" / "dogwatch.db"
    path.parent.mkdir(mode=0o700)
    shutil.copy(migrated_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a fresh, migrated database: the test runs once on each kind."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(name)
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh, migrated, open database: the test runs once on each kind."""
    opened = Database.open(database_url)
    yield opened
    opened.close()


@pytest.fixture
def manual_clock() -> ManualClock:
    """A clock at noon of a Monday in January."""
    return ManualClock()
