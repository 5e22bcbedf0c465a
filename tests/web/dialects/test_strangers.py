"""What no key of a dialect reaches: other workspaces, other ways to say a path, other people's
fields."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.routing import APIRoute

from dogwatch.core.policy import Grant, Role
from dogwatch.store.tables import metadata
from dogwatch.usecases import keys, people, workspaces
from dogwatch.usecases.callers import Caller, host
from dogwatch.web.dialect.tongue import Tongue
from dogwatch.web.dialects import TONGUES
from tests.web.asgi_client import Answer, Client
from tests.web.dialects.conftest import Door, House

EVERY = pytest.mark.parametrize("tongue", TONGUES, ids=lambda tongue: tongue.name)
NOBODY = "987654321"
OF_ONE_ANSWER = re.compile(r'"(?:requestId|request_id|timestamp)": ?"[^"]*"')
VARIANTS: tuple[Callable[[str], str], ...] = (
    lambda path: f"/{path}",
    lambda path: path.removesuffix("/") if path.endswith("/") else f"{path}/",
    lambda path: path.upper(),
    lambda path: f"/%2e{path}",
    lambda path: path.replace("/", "%2f"),
)
# How each makes something.
MADE: dict[str, tuple[str, dict[str, Any]]] = {
    "cronbeats": ("/api/v1/jobs", {
        "name": "Mine", "expected_interval_seconds": 86400, "grace_seconds": 600}),
    "cronium": ("/api/events", {"name": "Mine", "type": "BASH", "script": "echo"}),
    "cronmonitor": ("/api/v1/monitors", {"name": "Mine", "schedule": "0 2 * * *"}),
    "cronowl": ("/api/v1/checks", {"name": "Mine", "cronExpression": "0 2 * * *"}),
    "cronpulse": ("/api/v1/projects", {"name": "Mine", "url": "https://example.com"}),
    "healthchecks": ("/api/v3/checks/", {"name": "Mine", "timeout": 3600}),
}  # fmt: skip
OWNED = (
    "id", "uuid", "workspace_id", "created_at", "createdAt", "updated_at", "ping_key", "ping_url",
    "pingUrl", "hash", "user_id", "userId", "key",
)  # fmt: skip


def called(client: Client, method: str, path: str, name: str = NOBODY) -> Answer:
    body: Any = {} if method in ("POST", "PATCH", "PUT") else None
    return client(method, re.sub("{[^}]*}", name, path), body)


def routes(tongue: Tongue) -> list[tuple[str, str]]:
    found = [route for route in tongue.router.routes if isinstance(route, APIRoute)]
    return [(method, route.path) for route in found for method in sorted(route.methods or ())]


def said(answer: Answer) -> tuple[int, str]:
    """Return what everybody is told alike."""
    return answer.status, OF_ONE_ANSWER.sub("", answer.text)


def with_key(client: Client, token: str) -> Client:
    return Client(client.app, token, client.base, client.token_header)


def make_key(house: House, caller: Caller, tongue: Tongue, **given: Any) -> keys.Made:
    vault, at = house.services.vault, house.clock.now()
    scopes = given.pop("scopes", ["read:watches"])
    return house.write(
        lambda tx: keys.make(tx, caller, "k", scopes, vault, at, dialect=tongue.name, **given)
    )


@EVERY
def test_unknown_revoked_and_expired_keys_look_the_same(
    door: Door, house: House, tongue: Tongue
) -> None:
    at, us = house.clock.now(), host(house.workspace.id)
    expired = make_key(house, us, tongue, expires_at=at + timedelta(seconds=1)).token
    revoked = make_key(house, us, tongue)
    house.write(lambda tx: keys.revoke(tx, house.workspace.id, revoked.key.id, at))
    house.clock.advance(2)
    client = door(tongue.name)
    unknown = client.token[:-1] + ("0" if client.token[-1] != "0" else "1")  # type: ignore[index]  # it has one
    for method, path in routes(tongue):
        told = {
            said(called(with_key(client, token), method, path))
            for token in (unknown, revoked.token, expired)
        }
        assert len(told) == 1, (method, path, told)
        assert told.pop()[0] == 401


@EVERY
def test_what_is_of_another_workspace_is_not_there(
    door: Door, house: House, tongue: Tongue
) -> None:
    native = house.client("*")
    native("POST", "/watches", {"name": "Ours", "schedule": "every 1h"})
    client = door(tongue.name)
    client("POST", *MADE[tongue.name])
    for method, path in routes(tongue):  # what is listed gets a name
        if method == "GET" and "{" not in path:
            client.get(path)
    ours = house.write(names)
    assert ours
    at = house.clock.now()
    other = house.write(lambda tx: workspaces.make(tx, "Other", at))
    user = house.write(lambda tx: people.make(tx, "eve@example.org", "", "hash", at))
    eve = Caller(other.id, Grant(Role.OWNER), "user", user.id, "eve")
    stranger = with_key(client, make_key(house, eve, tongue, scopes=["*"]).token)
    before = house.write(rows)
    for method, path in routes(tongue):
        if "{" in path:
            for name in ours:
                nothing = another(name)
                status, words = said(called(stranger, method, path, name))
                expected = said(called(stranger, method, path, nothing))
                assert (status, words.replace(name, nothing)) == expected, (method, path, name)
    after = house.write(rows)
    assert after == before


def names(tx: Any) -> set[str]:
    """Return all by which something is named here."""
    of_watches = tx.conn.execute(metadata.tables["aliases"].select()).all()
    of_projects = tx.conn.execute(metadata.tables["projects"].select()).all()
    named = {name for row in of_watches for name in (str(row.number), row.name)}
    return named | {row.id for row in of_projects}


def another(name: str) -> str:
    """Return a name of the same form that nothing has."""
    end = name[-4:]
    turned = end.translate(str.maketrans("0123456789", "7890123456"))
    return (
        f"9{name}"
        if name.isdigit()
        else f"{name[:-4]}{turned[:-1]}{'b' if end[-1] != 'b' else 'c'}"
    )


def rows(tx: Any) -> list[Any]:
    """Return what a stranger must not change."""
    names = ("watches", "jobs", "channels", "rules", "variables")
    return [tx.conn.execute(metadata.tables[name].select()).all() for name in names]


@EVERY
def test_no_variant_of_a_path_and_no_header_reaches_more(door: Door, tongue: Tongue) -> None:
    reader = door(tongue.name, "read:watches")
    for method, path in routes(tongue):
        plain = called(reader, method, path).status
        allowed = {plain, 404, 405} | (set() if plain in (401, 403) else {400, 401, 403, 422})
        for variant in VARIANTS:
            other = called(reader, method, variant(path)).status
            assert other in allowed, (method, variant(path), other)
        if method == "GET":
            assert called(reader, "HEAD", path).status in {plain, 405}
            place = re.sub("{[^}]*}", NOBODY, path)
            deleting = {"x-http-method-override": "DELETE"}
            assert reader("GET", place, headers=deleting).status == plain


@EVERY
def test_no_body_sets_what_the_server_owns(door: Door, house: House, tongue: Tongue) -> None:
    """A field that is not the caller's is refused or left out."""
    path, body = MADE[tongue.name]
    client = door(tongue.name)
    answer = client("POST", path, body | dict.fromkeys(OWNED, "stolen-12345"))
    assert answer.status in (200, 201, 400, 422), answer.text
    if answer.status < 300:
        assert "stolen-12345" not in answer.text
    tables = [name for name in metadata.tables if name not in ("audit_log", "idempotency")]
    found = house.write(
        lambda tx: [tx.conn.execute(metadata.tables[name].select()).all() for name in tables]
    )
    assert "stolen-12345" not in repr(found)
    assert client("POST", path, body).status in (200, 201)
