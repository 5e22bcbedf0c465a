"""The dialects over a real store, with a clock that tests move."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dogwatch.core.dialects import DIALECTS
from dogwatch.usecases import keys
from dogwatch.usecases.callers import host
from dogwatch.web.app import build
from tests.web.api.conftest import House, api, house, watch
from tests.web.asgi_client import Client

__all__ = ["House", "api", "house", "watch"]

Door = Callable[..., Client]
# Of those that take no bearer key.
TOKEN_HEADERS = {"cronbeats": "x-api-key", "cronpulse": "x-api-key", "healthchecks": "x-api-key"}


# Most tests are about words, and one store is enough for them; what writes is run on each kind.
ON_BOTH = pytest.mark.parametrize("database_url", ["sqlite_url", "postgres_url"], indirect=True)


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a fresh, migrated database, SQLite's unless a test asks for both."""
    url: str = request.getfixturevalue(getattr(request, "param", "sqlite_url"))
    return url


@pytest.fixture
def door(house: House) -> Door:
    """Return clients of a dialect, each with a new key; `changes` are other services."""

    def opened(name: str, *scopes: str, **changes: Any) -> Client:
        token = token_of_dialect(house, name, *scopes)
        app = build(replace(house.services, **changes))
        return Client(app, token, f"/{DIALECTS[name].mount}", TOKEN_HEADERS.get(name, ""))

    return opened


def token_of_dialect(house: House, name: str, *scopes: str) -> str:
    """Return a new key of a dialect."""
    at, vault, us = house.clock.now(), house.services.vault, host(house.workspace.id)
    asked = scopes or DIALECTS[name].scopes
    made = house.write(lambda tx: keys.make(tx, us, "test", asked, vault, at, dialect=name))
    return made.token
