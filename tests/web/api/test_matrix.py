"""Every route with every kind of key: what the policy says, and nothing else."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from dogwatch.core.policy import POLICY, SCOPES, Grant, Role
from dogwatch.usecases import keys, members, people, workspaces
from dogwatch.usecases.callers import Caller, host
from dogwatch.usecases.door import Tx
from dogwatch.web.api import native
from dogwatch.web.api.auth import KeyedRoute, needs
from tests.web.api.conftest import House
from tests.web.asgi_client import Answer, Client

Route = tuple[str, str, str]  # method, path, operation


def every_route(house: House) -> list[Route]:
    """Return all that the API has, from the application itself."""
    return [
        (method, route.path, str((route.openapi_extra or {})["x-operation"]))
        for route in native(house.services).routes
        if isinstance(route, APIRoute)
        for method in sorted(route.methods or ())
    ]


def called(client: Client, route: Route, method: str | None = None) -> Answer:
    """Call a route about a thing that is not there, with a body that says nothing."""
    path = route[1].replace("{name}", "nothing-such")
    body: Any = {} if route[0] in ("POST", "PATCH", "PUT") else None
    return client(method or route[0], path, body)


@pytest.fixture
def routes(house: House) -> list[Route]:
    return every_route(house)


def client_of(house: House, token: str) -> Client:
    return Client(house.client("*").app, token, "/api/v1")


def token_of(house: House, caller: Caller, *scopes: str, **given: Any) -> str:
    vault, at = house.services.vault, house.clock.now()
    return house.write(lambda tx: keys.make(tx, caller, "k", scopes, vault, at, **given).token)


def owner_of(house: House, workspace_id: int) -> Caller:
    """Return an owner who is no admin of the instance."""
    at = house.clock.now()
    email = f"owner{workspace_id}@example.org"
    user = house.write(lambda tx: people.make(tx, email, "", "hash", at))
    return Caller(workspace_id, Grant(Role.OWNER), "user", user.id, email)


def test_every_route_names_an_operation_and_every_operation_has_one(routes: list[Route]) -> None:
    named = {operation for _, _, operation in routes}
    assert named <= set(POLICY)
    assert set(POLICY) == named
    assert len(routes) > 50


def test_a_route_without_an_operation_breaks_at_start() -> None:
    router = APIRouter(route_class=KeyedRoute)
    with pytest.raises(KeyError):
        router.get("/open")(lambda: None)
    with pytest.raises(KeyError):
        needs("watches.paint")


def test_who_has_no_good_key_learns_nothing(house: House, routes: list[Route]) -> None:
    """Anonymous, garbage, revoked and expired look the same, wherever they go."""
    at, us = house.clock.now(), host(house.workspace.id)
    expired = token_of(house, us, "*", expires_at=at + timedelta(seconds=1))
    revoked = token_of(house, us, "*")
    house.write(lambda tx: keys.revoke(tx, house.workspace.id, revoked[:16], at))
    house.clock.advance(2)
    garbage = revoked[:-1] + ("0" if revoked[-1] != "0" else "1")
    app = house.client("*").app
    answers = set()
    for token in (garbage, revoked, expired):
        client = Client(app, token, "/api/v1")
        answers |= {(a.status, a.text) for a in (called(client, route) for route in routes)}
    assert len(answers) == 1
    stranger = Client(app, None, "/api/v1")
    assert {called(stranger, route).status for route in routes} == {401}
    assert {status for status, _ in answers} == {401}


@pytest.mark.parametrize("scope", SCOPES)
def test_each_scope_opens_what_the_policy_says(
    house: House, routes: list[Route], scope: str
) -> None:
    """An owner's key: all of its scope, and nothing of the instance, not even with `*`."""
    client = client_of(house, token_of(house, owner_of(house, house.workspace.id), scope))
    opened = {route for route in routes if called(client, route).status != 403}
    expected = {
        route
        for route in routes
        if scope in ("*", POLICY[route[2]].scope) and not POLICY[route[2]].instance
    }
    assert opened == expected


def test_the_hosts_key_opens_the_instance(house: House, routes: list[Route]) -> None:
    """And each answer is for its caller alone."""
    client = house.client("*")
    answers = [called(client, route) for route in routes]
    assert {one.status for one in answers} <= {200, 201, 404, 422}
    assert {one.headers.get("cache-control") for one in answers} == {"no-store"}


def test_read_only_keys_change_nothing(house: House, routes: list[Route]) -> None:
    reader = house.client("read:watches", "read:jobs", "read:variables")
    unsafe = [route for route in routes if route[0] != "GET"]
    assert {called(reader, route).status for route in unsafe} == {403}


def test_a_name_that_nothing_has_is_told(house: House, routes: list[Route]) -> None:
    client = house.client("*")
    for method, path, _ in routes:
        body: Any = {} if method in ("POST", "PATCH", "PUT") else None
        for name in (
            ("%00", "%0A", "x%0D%0Ay", "%1B%5B31m", "%FF", "%ED%A0%80") if "{" in path else ()
        ):
            place = re.sub("{[^}]*}", name, path)
            answer = client(method, place, body)
            assert answer.status in (404, 422), (method, place, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"


# --- another workspace ------------------------------------------------------------------------


def test_a_stranger_finds_nothing_of_ours(house: House, api: Client, watch: Any) -> None:
    """Owner, team mate and stranger: both of ours reach everything, the stranger's key nothing."""
    ours = furnished(house, api, watch)
    routes = every_route(house)
    named = {noun_of(route) for route in routes if "{name}" in route[1]}
    assert set(ours) == named - {"users", "workspaces"}, "whose are the instance's"
    at = house.clock.now()
    other = house.write(lambda tx: workspaces.make(tx, "Other", at))
    stranger = client_of(house, token_of(house, owner_of(house, other.id), "*"))
    mate = client_of(house, token_of(house, owner_of(house, house.workspace.id), "*"))
    reached = [
        (route, place)
        for route in routes
        for place in addresses(route, ours)
        if stranger(route[0], place, body_of(route)).status not in (403, 404, 422)
    ]
    assert reached == []
    for noun in ("watches", "jobs", "channels"):
        assert mate.get(f"/{noun}/{ours[noun]}").status == 200
        assert stranger.get(f"/{noun}").json["data"] == []
    assert mate.get("/workspace").json["name"] == "Default"
    assert [one["id"] for one in mate.get("/rules").json["data"]] == [ours["rules"]]


def furnished(house: House, api: Client, watch: Any) -> dict[str, str]:
    """Have one thing of every kind that has an address; return their names."""

    def made(path: str, **body: Any) -> str:
        answer = api("POST", path, body)
        assert answer.status in (201, 202), answer.text
        return str(answer.json["id"])

    action = {"kind": "http", "url": "http://example.org"}
    job = made("/jobs", name="J", action=action)
    hook = {"kind": "webhook", "settings": {"url": "https://ops.example/"}}
    channel = made("/channels", name="H", **hook)
    window = {"kind": "weekly", "days": ["sat"], "start": "22:00", "duration_s": 3600}
    ours = {
        "watches": watch["id"], "jobs": job, "runs": made("/jobs/j/trigger"), "channels": channel,
        "rules": made("/rules", channel_id=channel, events=["down"]),
        "keys": made("/keys", name="mine", scopes=["read:jobs"]),
        "invitations": made("/invitations", email="ana@example.org"),
        "probes": made("/probes", name="P", schedule="60", target=action),
        "workflows": made("/workflows", name="W", nodes=[{"key": "a", "job": "j"}]),
        "maintenance": made("/maintenance", name="M", window=window),
        "status-pages": made("/status-pages", title="Shop", slug="shop"),
        "status-posts": made("/status-pages/shop/posts", title="Slow", text="We look."),
        "members": member_of(house), "variables": "TOKEN",
    }  # fmt: skip
    api("PUT", "/variables/TOKEN", {"value": "t0ken"})
    house.ping(watch["ping_url"].rpartition("/")[2], "/fail")
    for noun in ("incidents", "deliveries"):
        (one,) = api.get(f"/{noun}").json["data"]
        ours[noun] = str(one["id"])
    return ours


def member_of(house: House) -> str:
    """Have one more member; return his id."""
    at = house.clock.now()

    def made(tx: Tx) -> str:
        user = people.make(tx, "mate@example.org", "", "hash", at)
        members.appoint(tx, house.workspace.id, user, at, Role.VIEWER)
        return user.id

    return house.write(made)


def noun_of(route: Route) -> str:
    return route[1].strip("/").partition("/")[0]


def addresses(route: Route, ours: dict[str, str]) -> Iterator[str]:
    if "{name}" in route[1] and noun_of(route) in ours:
        yield route[1].replace("{name}", ours[noun_of(route)]).replace("{number}", "1")


def body_of(route: Route) -> Any:
    return {} if route[0] in ("PATCH", "PUT") else None


# --- other ways to say the same ---------------------------------------------------------------

VARIANTS = (
    lambda path: f"/{path}",
    lambda path: f"{path}/",
    lambda path: path.upper(),
    lambda path: f"/.{path}",
    lambda path: f"/%2e{path}",
    lambda path: f"/watches/..{path}",
    lambda path: f"/watches/%2e%2e{path}",
    lambda path: path.replace("/", "%2f"),
    lambda path: f"{path};x=1",
    lambda path: f"{path}%00",
)


def test_no_variant_of_a_path_reaches_more(house: House, routes: list[Route]) -> None:
    """For who may read watches alone, each variant is what the plain form is, or nothing."""
    reader = house.client("read:watches")
    for method, path, _ in routes:
        plain = called(reader, (method, path, "")).status
        for variant in VARIANTS:
            other = called(reader, (method, variant(path), "")).status
            allowed = {403, 404, 405} if plain == 403 else {plain, 403, 404, 405, 422}
            assert other in allowed, (method, variant(path), other)


def test_head_is_as_closed_as_get(house: House, routes: list[Route]) -> None:
    reader = house.client("read:watches")
    for route in routes:
        if route[0] == "GET":
            assert called(reader, route, "HEAD").status == called(reader, route).status


@pytest.mark.parametrize("header", ["x-http-method-override", "x-http-method", "x-method-override"])
def test_no_header_or_parameter_makes_another_method_of_it(
    house: House, watch: Any, header: str
) -> None:
    reader = house.client("read:watches")
    path = f"/watches/{watch['id']}"
    assert reader("GET", path, headers={header: "DELETE"}).status == 200
    assert reader("POST", path, {}, headers={header: "GET"}).status in (403, 404, 405)
    assert reader("GET", path, query={"_method": "DELETE"}).status == 422
    assert house.client("*").get(path).status == 200


OWNED = (
    "id", "workspace_id", "created_at", "updated_at", "made_by", "hash", "prefix", "instance",
    "last_used_at", "admin_at", "password_hash", "user_id", "ping_key",
)  # fmt: skip


def test_no_body_sets_what_the_server_owns(house: House, routes: list[Route]) -> None:
    """Each is refused by name, on every route that takes a body."""
    client = house.client("*")
    for method, path, _ in routes:
        if method in ("POST", "PATCH", "PUT"):
            answer = client(method, path.replace("{name}", "nothing-such"), dict.fromkeys(OWNED, 1))
            assert answer.status == 422, (method, path, answer.text)
            assert set(OWNED) <= set(answer.faults), (method, path)
