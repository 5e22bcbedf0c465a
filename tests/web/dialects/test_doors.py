"""What holds for every route of every dialect: who may, who may not, and how it is said."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from dogwatch.core.dialects import DIALECTS
from dogwatch.core.policy import POLICY, SCOPES
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
def test_the_document_is_at_the_base_and_at_the_root(door: Door, tongue: Tongue) -> None:
    client = door(tongue.name)
    found = [client.get(f"{base}/openapi.json") for base in (tongue.base, "")]
    assert [answer.status for answer in found] == [200, 200]
    assert found[0].json == found[1].json
    told = f"`https://HOST/{DIALECTS[tongue.name].mount}{tongue.base}`"
    assert told in README.read_text()
