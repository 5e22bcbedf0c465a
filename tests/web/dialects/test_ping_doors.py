"""Pings of all dialects: paths that are none, methods that are none, and no database."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from dogwatch.core.dialects import DIALECTS
from dogwatch.core.ping import Answer, Heard
from dogwatch.core.problems import Problem
from dogwatch.usecases.door import Door as Database
from dogwatch.web.dialects import PING_FORMS, dialect_pings
from dogwatch.web.inbox import PingInbox
from tests.harness.clock import ManualClock
from tests.web.asgi_client import Client
from tests.web.dialects.conftest import House

UUID = "0c8983c9-9d73-446f-adb5-0641fdacc9d4"
PATHS = {
    "cronbeats": "/cronbeats/ping/Abcd1234",
    "cronmonitor": "/cronmonitor/ping/abcd12345678",
    "cronowl": "/cronowl/api/ping/abcd123456",
    "cronpulse": "/cronpulse/api/ping/abcd12345",
    "healthchecks": f"/hc/ping/{UUID}",
}


@pytest.mark.parametrize("name", PATHS)
def test_a_method_that_is_none_is_told_which_are(house: House, name: str) -> None:
    client = Client(house.client("*").app)
    refused = client("DELETE", PATHS[name])
    assert (refused.status, refused.headers["allow"]) == (405, "GET, POST, HEAD")
    assert "ethod not allowed" in refused.text
    asked = client("OPTIONS", PATHS[name])
    assert (asked.status, asked.body) == (204, b"")
    assert asked.headers["access-control-allow-methods"] == "GET, POST, HEAD"


@pytest.mark.parametrize("name", PATHS)
def test_a_key_of_another_length_is_told_in_the_words_of_the_dialect(
    house: House, name: str
) -> None:
    client = Client(house.client("*").app)
    unknown = client("GET", PATHS[name])
    assert unknown.status == 404
    path = f"{PATHS[name].rpartition('/')[0]}/no"
    status = 400 if name == "healthchecks" else 404
    for method in ("GET", "POST"):
        assert client(method, path, {"a": 1}).status == status
    if name != "healthchecks":
        assert client("POST", path).json == unknown.json


class Away:
    """A database that cannot be reached."""

    async def aread(self, *_: Any) -> Any:
        raise Problem("away", "the database cannot be reached")

    awrite = aread


class Stalled(Away):
    """One that does not answer."""

    async def aread(self, *_: Any) -> Any:
        await asyncio.Event().wait()

    awrite = aread


@pytest.mark.parametrize("database", [Away, Stalled])
@pytest.mark.parametrize("name", PATHS)
def test_a_ping_that_is_kept_is_answered_while_the_database_is_away(
    manual_clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    database: Callable[[], Database],
) -> None:
    monkeypatch.setattr("dogwatch.web.dialect.pings.PATIENCE_S", 0.01)
    kept: list[Heard] = []

    async def record(batch: Sequence[Heard]) -> Sequence[Answer]:
        kept.extend(batch)
        return [Answer.RECORDED] * len(batch)

    async def nobody(*_: Any) -> None:
        raise AssertionError

    app = dialect_pings(PingInbox(record), database(), manual_clock, nobody, (), 10_000)
    assert Client(app)("POST", PATHS[name]).status == 200
    assert len(kept) == 1


def test_every_dialect_that_is_pinged_is_here() -> None:
    assert {form.name for form in PING_FORMS} == set(PATHS)
    assert {name for name, one in DIALECTS.items() if one.pings} == set(PATHS)
