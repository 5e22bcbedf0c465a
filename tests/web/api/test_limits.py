"""Limits as callers of the API see them."""

import asyncio
from dataclasses import replace

import pytest

from dogwatch.core.limits import Window
from dogwatch.core.plans import PLANS
from dogwatch.store import workspaces
from dogwatch.usecases.limiting import (
    FAILURES,
    UNKNOWN_PINGS,
    Asked,
    Limiter,
    Memory,
    limits_of,
)
from dogwatch.usecases.sharing import Shared
from dogwatch.web.api.limits import headers
from dogwatch.web.app import build
from tests.web.api.conftest import House
from tests.web.asgi_client import Answer, Client

FREE = PLANS["free"].requests_per_minute or 0


@pytest.fixture
def limited(house: House) -> House:
    """The house, with a limiter that its plans, failures and unknown pings are counted by."""
    memory = house.services.dialect == "sqlite"
    limiter: Limiter = Memory(house.clock) if memory else Shared(house.database, house.clock)
    limits = limits_of(house.database, limiter, house.clock)
    return replace(house, services=replace(house.services, limits=limits))


def on_plan(house: House, plan: str) -> Client:
    house.write(lambda tx: workspaces.change(tx, house.workspace.id, plan=plan))
    return house.client("read:watches")


def at_once(client: Client, path: str, count: int) -> list[Answer]:
    async def ask() -> list[Answer]:
        return await asyncio.gather(*(client.send("GET", path) for _ in range(count)))

    return asyncio.run(ask())


def test_every_answer_tells_a_limited_caller_of_his_windows(limited: House) -> None:
    api = on_plan(limited, "free")
    policy = '"minute";q=60;w=60, "hour";q=100;w=3600'
    for number, (path, status) in enumerate(
        [("/watches", 200), ("/watches/none", 404), ("/jobs", 403), ("/watches?x=1", 422)], 1
    ):
        path, _, query = path.partition("?")
        answer = api.get(path, **({"x": 1} if query else {}))
        assert answer.status == status
        assert answer.headers["ratelimit-policy"] == policy
        assert answer.headers["ratelimit"] == (
            f'"minute";r={60 - number};t=60, "hour";r={100 - number};t=3600'
        )


def test_one_too_many_is_429_and_the_next_minute_is_open(limited: House) -> None:
    api = on_plan(limited, "free")
    limited.clock.advance(12)
    found = [answer.status for answer in at_once(api, "/watches", FREE + 5)]
    assert (found.count(200), found.count(429)) == (FREE, 5)
    answer = api.get("/watches")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "48"
    assert answer.headers["ratelimit"].startswith('"minute";r=0;t=48, ')
    limited.clock.advance(48)
    assert api.get("/watches").status == 200


def test_all_keys_of_a_workspace_share_its_windows(limited: House) -> None:
    api = on_plan(limited, "free")
    at_once(api, "/watches", FREE)
    assert limited.client("read:watches").get("/watches").status == 429


def test_an_unlimited_caller_is_told_nothing(limited: House) -> None:
    answer = limited.client("read:watches").get("/watches")
    assert answer.status == 200
    assert not {"ratelimit", "ratelimit-policy"} & answer.headers.keys()


def test_those_without_a_valid_key_are_told_to_wait_and_those_with_one_are_not(
    limited: House,
) -> None:
    stranger, api = Client(build(limited.services), "dw_live_no", "/api/v1"), limited.client("*")
    found = [answer.status for answer in at_once(stranger, "/watches", FAILURES.limit + 2)]
    assert (found.count(401), found.count(429)) == (FAILURES.limit, 2)
    assert stranger.get("/watches").headers["retry-after"] == "1"
    assert api.get("/watches").status == 200
    limited.clock.advance(1)
    assert stranger.get("/watches").status == 401


def test_keys_of_pings_that_nobody_knows_are_limited_and_known_ones_count_always(
    limited: House,
) -> None:
    watch = limited.client("*")("POST", "/watches", {"name": "n", "schedule": "every 1h"}).json
    pings = Client(build(limited.services), None, "/ping/")
    found = [answer.status for answer in at_once(pings, "no-such-key", UNKNOWN_PINGS.limit + 3)]
    assert (found.count(404), found.count(429)) == (UNKNOWN_PINGS.limit, 3)
    refused = pings("GET", "no-such-key")
    assert (refused.text, refused.headers["retry-after"]) == ("too many unknown keys", "2")
    known = watch["ping_url"].rpartition("/")[2]
    assert {answer.status for answer in at_once(pings, known, 40)} == {200}


def test_where_nobody_could_look_nothing_is_said(limited: House) -> None:
    assert headers([Asked("a", "minute", Window("fixed", 1, 60))], (), limited.clock.now()) == []
