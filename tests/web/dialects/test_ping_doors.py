"""Pings of all dialects: paths that are none, methods that are none, and no database."""

import asyncio
import re
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
from tests.web.dialects.conftest import Door, House

UUID = "0c8983c9-9d73-446f-adb5-0641fdacc9d4"
PATHS = {
    "cronbeats": "/cronbeats/ping/Abcd1234",
    "cronmonitor": "/cronmonitor/ping/abcd12345678",
    "cronowl": "/cronowl/api/ping/abcd123456",
    "cronpulse": "/cronpulse/api/ping/abcd12345",
    "healthchecks": f"/hc/ping/{UUID}",
}
LISTS = {
    "cronbeats": "/api/v1/jobs", "cronmonitor": "/api/v1/monitors", "cronowl": "/api/v1/checks",
    "cronpulse": "/api/v1/jobs", "healthchecks": "/api/v3/checks/",
}  # fmt: skip
# What differs from one answer to the next.
OF_NOW = re.compile(r'"(?:timestamp|processing_time_ms|next_expected)": [^,}]+')
WORDS = (
    "message", "progress", "duration", "status", "errorMessage", "failed", "client", "exit_code",
    "exitCode", "output", "start", "rid",
)  # fmt: skip
ODD = (
    "", "x" * 20_000, "-1", "1e400", "NaN", "9" * 5_000, "a\0b", "a\rb\nc", "\ufffe", "[" * 5_000,
)  # fmt: skip


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


@pytest.mark.parametrize("name", PATHS)
def test_a_key_that_nobody_has_is_told_in_the_words_of_the_dialect_that_was_asked(
    house: House, name: str
) -> None:
    client, (place, _, own) = Client(house.client("*").app), PATHS[name].rpartition("/")
    unknown, refused = client("GET", f"{place}/{own}"), client("PUT", f"{place}/{own}")
    for other in PATHS.values():
        path = f"{place}/{other.rpartition('/')[2]}"
        told = client("GET", path)
        words = {unknown.text, "invalid url format"} if name == "healthchecks" else {unknown.text}
        assert (told.text in words, told.headers["content-type"]) == (
            True, unknown.headers["content-type"]
        ), path  # fmt: skip
        assert client("PUT", path).body == refused.body, path


def test_any_path_finds_any_key_and_the_answer_has_the_form_of_the_key(
    door: Door, house: House, watch: Any
) -> None:
    for name in PATHS:
        door(name).get(LISTS[name])  # what is listed gets a key
    named = house.client("*").get(f"/watches/{watch['slug']}/dialects").json["data"]
    keys = [(one["dialect"], one["ping_key"]) for one in named]
    keys += [(one["dialect"], one["id"]) for one in named if DIALECTS[one["dialect"]].item_pings]
    assert {name for name, _ in keys} == set(PATHS)
    client = Client(house.client("*").app)
    for name, key in keys:
        own = client.get(f"{PATHS[name].rpartition('/')[0]}/{key}")
        assert own.status == 200
        for mount in ("", *(f"/{DIALECTS[other].mount}" for other in PATHS)):
            for place in (f"{mount}/ping/{key}", f"{mount}/api/ping/{key}"):
                told = client.get(place)
                assert told.status == 200, place
                assert told.headers["content-type"] == own.headers["content-type"], place
                assert OF_NOW.sub("", told.text) == OF_NOW.sub("", own.text), place


def test_what_a_ping_says_is_left_out_or_cut_and_the_ping_counts(door: Door, api: Client) -> None:
    """Each word of each form in each wrong way, in the query and in a body."""
    api("POST", "/watches", {"name": "heard", "schedule": "every 1d"})
    for name in PATHS:
        door(name).get(LISTS[name])
    named = api.get("/watches/heard/dialects").json["data"]
    client, sent = Client(api.app), 0
    for one in named:
        path = one["ping_url"].removeprefix("http://dogwatch.test")
        assert api.get("/watches/heard/pings").status == 200
        for word in WORDS:
            for value in ODD:
                queried = client.get(path, **{word: value})
                posted = client("POST", path, {word: value})
                assert (queried.status, posted.status) == (200, 200), (path, word, value[:50])
                sent += 2
        for raw in (b"\xff\xfe", b"[" * 200_000, b'{"message": NaN}', b"\0", b"x" * 2_000_000):
            for media in ("application/json", "application/x-www-form-urlencoded", "x/y", ""):
                assert client("POST", path, raw, headers={"content-type": media}).status == 200
                sent += 1
    (found,) = door("cronmonitor").get("/api/v1/monitors").json["data"]
    detail = door("cronmonitor").get(f"/api/v1/monitors/{found['id']}").json["data"]
    assert detail["ping_count"] == sent


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
