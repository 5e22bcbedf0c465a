"""The API over a real store of each kind, with a clock that tests move."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import pytest

from dogwatch.core.ping import Answer as PingAnswer
from dogwatch.core.ping import Heard
from dogwatch.store.database import Database
from dogwatch.store.tx import Tx
from dogwatch.usecases import keys, pings, workspaces
from dogwatch.usecases.lists import Workspace
from dogwatch.vault import Vault
from dogwatch.web.app import Services, build
from tests.harness.clock import ManualClock
from tests.web.asgi_client import Answer, Client

T = TypeVar("T")

HTTP_ACTION = {"kind": "http", "url": "http://example.org/health"}
SCRIPT_ACTION = {"kind": "script", "language": "bash", "source": "echo hello"}


@dataclass(frozen=True)
class House:
    """A store with one workspace and the API before it."""

    database: Database
    clock: ManualClock
    services: Services
    workspace: Workspace

    def write(self, fn: Callable[[Tx], T]) -> T:
        return self.database.write(fn).result()

    def client(self, *scopes: str, **changes: Any) -> Client:
        """Return a client with a new key; `changes` are other services."""
        vault, at = self.services.vault, self.clock.now()
        workspace_id = self.workspace.id
        token = self.write(lambda tx: keys.add(tx, workspace_id, "test", scopes, vault, at))
        return Client(build(replace(self.services, **changes)), token, "/api/v1")

    def ping(self, key: str, words: str = "") -> Answer:
        return Client(build(self.services))("POST", f"/ping/{key}{words}", b"done")


@pytest.fixture
def house(database: Database, manual_clock: ManualClock) -> House:
    """A store of each kind with one workspace."""
    return house_on(database, manual_clock)


def house_on(database: Database, manual_clock: ManualClock) -> House:
    """Return a house with one workspace on a store."""
    at = manual_clock.now()
    workspace = database.write(lambda tx: workspaces.first(tx, at)).result()

    async def record_pings(batch: Sequence[Heard]) -> Sequence[PingAnswer]:
        return await database.awrite(lambda tx: pings.record(tx, batch, manual_clock.now()))

    services = Services(
        door=database,
        clock=manual_clock,
        vault=Vault(bytes(32)),
        base_url="http://dogwatch.test/",
        record_pings=record_pings,
        stopping=asyncio.Event(),
        dialect=database.dialect,
        scripts_on=True,
    )
    return House(database, manual_clock, services, workspace)


@pytest.fixture
def api(house: House) -> Client:
    """A client that may do everything."""
    return house.client("*")


@pytest.fixture
def watch(api: Client) -> Any:
    """A watch that is due each hour."""
    made = api("POST", "/watches", {"name": "Nightly backup", "schedule": "0 * * * *"})
    assert made.status == 201, made.text
    return made.json
