"""What holds for every route of every dialect: who may, who may not, and how it is said."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from dogwatch.core.dialects import DIALECTS
from dogwatch.core.policy import POLICY, SCOPES
from dogwatch.usecases.limiting import Memory, limits_of
from dogwatch.web.dialect.route import DialectRoute
from dogwatch.web.dialect.tongue import Tongue
from dogwatch.web.dialects import TONGUES
from tests.web.asgi_client import Answer, Client
from tests.web.dialects.conftest import Door, House

README = Path(__file__).parents[3] / "docs/dialects/README.md"

Route = tuple[str, str, str, str]  # dialect, method, path, operation


def every_route() -> Iterator[Route]:
    """Yield all that the dialects have, from their routers."""
    for tongue in TONGUES:
        for route in tongue.router.routes:
            assert isinstance(route, APIRoute)
            operation = str((route.openapi_extra or {})["x-operation"])
            for method in sorted(route.methods or ()):
                yield tongue.name, method, route.path, operation


ROUTES = list(every_route())
STAND_INS = (
    ("{name}", "987654321"),
    ("{number}", "987654321"),
    ("{kind}", "slack"),
    ("{verb}", "pause"),
    ("{version}", "v3"),
)


def called(client: Client, route: Route) -> Answer:
    """Call a route about a thing that is not there, with a body that says nothing."""
    _, method, path, _ = route
    for name, stand_in in STAND_INS:
        path = path.replace(name, stand_in)
    return client(method, path, {} if method in ("POST", "PATCH", "PUT") else None)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: " ".join(route[:3]))
def test_each_route_is_for_those_who_may(door: Door, house: House, route: Route) -> None:
    need = POLICY[route[3]].scope
    key = door(route[0], *SCOPES)
    assert called(key, route).status not in (401, 403, 405, 429, 500)
    others = [scope for scope in SCOPES if scope not in (need, "*")]
    refused = 401 if route[0] == "healthchecks" else 403  # it tells no difference
    assert called(door(route[0], *others), route).status == refused
    for token in (None, "x" * 40, house.client("*").token):
        stranger = Client(key.app, token, key.base, key.token_header)
        assert called(stranger, route).status == 401


@pytest.mark.parametrize("tongue", TONGUES, ids=lambda tongue: tongue.name)
def test_head_is_answered_as_get_without_content(door: Door, tongue: Tongue) -> None:
    client = door(tongue.name)
    lists = [path for one, method, path, _ in ROUTES if one == tongue.name and method == "GET"
             and "{" not in path.replace("{version}", "")]  # fmt: skip
    assert lists
    for path in lists:
        place = path.replace("{version}", "v3")
        shown, head = client("GET", place), client("HEAD", place)
        assert (shown.status, head.status, head.body) == (200, 200, b""), place
        assert head.headers["content-type"] == shown.headers["content-type"]


def test_every_dialect_is_one_of_the_table() -> None:
    assert {tongue.name for tongue in TONGUES} <= set(DIALECTS)
    assert all(type(route) is DialectRoute for one in TONGUES for route in one.router.routes)


@pytest.mark.parametrize("tongue", TONGUES, ids=lambda tongue: tongue.name)
@pytest.mark.parametrize(
    "path", ["/nothing", "/%0A", "//", "/%2e%2e/api/v1/watches", "/openapi.json/x"]
)
def test_paths_that_are_none_are_told(door: Door, tongue: Tongue, path: str) -> None:
    answer = door(tongue.name).get(f"{tongue.base}{path}")
    assert answer.status == 404
    assert answer.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize("tongue", TONGUES, ids=lambda tongue: tongue.name)
def test_what_is_not_there_costs_a_call_and_tells_what_is_left(
    door: Door, house: House, tongue: Tongue
) -> None:
    """A wrong key or none learns nothing of it: 404 and 405 as ever."""
    limits = limits_of(house.database, Memory(house.clock), house.clock)
    client = door(tongue.name, limits=limits)
    there = next(path for one, method, path, _ in ROUTES if one == tongue.name and method == "GET")
    place = there.replace("{version}", "v3")
    nowhere = f"{tongue.base.replace('{version}', 'v3')}/nothing"
    calls = (("GET", place, 200), ("GET", nowhere, 404), ("POST", nowhere, 404),
             ("PATCH", place, 405), ("GET", place, 200))  # fmt: skip
    answers = [client(method, path) for method, path, _ in calls]
    assert [answer.status for answer in answers] == [status for _, _, status in calls]
    for name in [name for name in answers[0].headers if "-remaining" in name]:
        left = [int(answer.headers[name]) for answer in answers]
        assert left == list(range(left[0], left[0] - len(calls), -1)), name
    for token in (None, "x" * 40):
        stranger = Client(client.app, token, client.base, client.token_header)
        refused = [stranger("GET", nowhere), stranger("PATCH", place), stranger("POST", nowhere)]
        assert [answer.status for answer in refused] == [404, 405, 404]
        assert not [name for one in refused for name in one.headers if "ratelimit" in name]


def test_what_is_not_there_is_limited_as_all_else(door: Door, house: House) -> None:
    client = door("cronbeats", limits=limits_of(house.database, Memory(house.clock), house.clock))

    async def many() -> list[Answer]:
        return [await client.send("GET", "/api/v1/nothing") for _ in range(61)]

    *passed, last = asyncio.run(many())
    assert {answer.status for answer in passed} == {404}
    assert (last.status, last.json["error"]["type"]) == (429, "per_minute")
    assert (last.headers["retry-after"], last.headers["x-ratelimit-remaining-minute"]) == (
        "60", "0",
    )  # fmt: skip


def test_what_is_too_long_for_a_place_that_is_none_is_not_read(door: Door) -> None:
    """Healthchecks' key may stand in the body."""
    client = door("healthchecks")
    stranger = Client(client.app, None, client.base)
    assert stranger("POST", "/api/v3/nothing", b"x" * 2_000_000).status == 404


@pytest.mark.parametrize("tongue", TONGUES, ids=lambda tongue: tongue.name)
def test_the_document_is_at_the_base_and_at_the_root(door: Door, tongue: Tongue) -> None:
    client = door(tongue.name)
    found = [client.get(f"{base}/openapi.json") for base in (tongue.base, "")]
    assert [answer.status for answer in found] == [200, 200]
    assert found[0].json == found[1].json
    told = f"`https://HOST/{DIALECTS[tongue.name].mount}{tongue.base}`"
    assert told in README.read_text()
