"""Addresses that nothing here may connect to are refused when they are saved."""

from typing import Any

import pytest

from dogwatch.core.policy import Grant, Role
from dogwatch.usecases import keys, people
from dogwatch.usecases.callers import Caller
from tests.notify.settings import GOOD
from tests.web.api.conftest import HTTP_ACTION, House
from tests.web.asgi_client import Client

INSIDE = {"10.0.0.7": "private", "inside.example": "private", "127.0.0.1": "loopback"}


async def blocked(host: str, named: bool) -> tuple[str, str] | None:
    """Know one name, if it may be looked up, and two literals."""
    literal = host[0].isdigit()
    known = INSIDE.get(host) if literal or named else None
    return (host if literal else "10.0.0.7", known) if known else None


@pytest.fixture
def api(house: House) -> Client:
    """A client of an instance that knows its network."""
    return house.client("*", blocked=blocked)


def refused(api: Client, method: str, path: str, body: Any) -> dict[str, str]:
    answer = api(method, path, body)
    assert answer.status == 422, answer.text
    return {error["field"]: error["message"] for error in answer.json["errors"]}


def probe(**target: Any) -> dict[str, Any]:
    return {"name": "Shop", "schedule": "60", "target": target}


def hook(url: str) -> dict[str, Any]:
    return {"name": "Ops", "kind": "webhook", "settings": {"url": url}}


def test_the_word_says_what_is_blocked_and_who_can_allow_it(api: Client, house: House) -> None:
    url = "http://10.0.0.7:8080/in"
    why = "nothing may connect to 10.0.0.7 from here (private)"
    allow = "; the admin can allow it: DOGWATCH_ALLOW_PRIVATE_TARGETS=10.0.0.7, or its network"
    assert refused(api, "POST", "/channels", hook(url)) == {"settings.url": why + allow}
    hosted = house.client("*", blocked=blocked, hosted=True)
    assert refused(hosted, "POST", "/channels", hook(url)) == {"settings.url": why}
    assert house.client("*")("POST", "/channels", hook(url)).status == 201


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/channels", hook("https://inside.example/in"), "settings.url"),
        (
            "/channels",
            {"name": "n", "kind": "ntfy", "settings": {**GOOD["ntfy"], "server_url": "http://10.0.0.7"}},
            "settings.server_url",
        ),
        (
            "/channels",
            {"name": "m", "kind": "mattermost", "settings": {"url": "http://10.0.0.7/hooks/x"}},
            "settings.url",
        ),
        ("/probes", probe(kind="http", url="http://127.0.0.1/"), "target.url"),
        ("/probes", probe(kind="tcp", host="10.0.0.7", port=25), "target.host"),
        ("/probes", probe(kind="tls", host="inside.example"), "target.host"),
        ("/probes", probe(kind="icmp", host="10.0.0.7"), "target.host"),
        ("/probes", probe(kind="dns", name="a.example", resolver="10.0.0.7"), "target.resolver"),
        ("/jobs", {"name": "j", "action": HTTP_ACTION | {"url": "http://10.0.0.7/"}}, "action.url"),
    ],
)  # fmt: skip
def test_whatever_names_a_host_is_judged(api: Client, path: str, body: Any, field: str) -> None:
    assert set(refused(api, "POST", path, body)) == {field}
    assert api.get(path).json["data"] == []


def test_a_change_is_judged_as_well_if_it_names_a_host(api: Client, house: House) -> None:
    """What is there already stays as it is: the admin may have closed a network since."""
    free = house.client("*")
    channel = free("POST", "/channels", hook("http://10.0.0.7/in")).json["id"]
    free("POST", "/probes", probe(kind="tcp", host="10.0.0.7", port=25))
    free("POST", "/jobs", {"name": "Call", "action": {**HTTP_ACTION, "url": "http://10.0.0.7/"}})
    for path in (f"/channels/{channel}", "/probes/shop", "/jobs/call"):
        assert api("PATCH", path, {"name": "Other"}).status == 200
    moved = {"settings": {"url": "http://127.0.0.1/in"}}
    assert set(refused(api, "PATCH", f"/channels/{channel}", moved)) == {"settings.url"}
    target = {"target": {"kind": "tcp", "host": "127.0.0.1", "port": 25}}
    assert set(refused(api, "PATCH", "/probes/shop", target)) == {"target.host"}
    action = {"action": {**HTTP_ACTION, "url": "http://127.0.0.1/"}}
    assert set(refused(api, "PATCH", "/jobs/call", action)) == {"action.url"}


def test_other_locations_have_their_own_network(api: Client) -> None:
    there = probe(kind="tcp", host="10.0.0.7", port=25) | {"locations": ["fra"]}
    assert api("POST", "/probes", there).status == 201


def test_other_faults_are_told_first(api: Client) -> None:
    wrong = probe(kind="tcp", host="10.0.0.7", port=0)
    assert set(refused(api, "POST", "/probes", wrong)) == {"target.port"}


@pytest.mark.parametrize(
    ("role", "hosted", "told"),
    [(Role.ADMIN, False, True), (Role.EDITOR, False, False), (Role.OWNER, True, False)],
)
def test_what_a_name_stands_for_is_told_to_admins_of_an_own_instance(
    house: House, role: Role, hosted: bool, told: bool
) -> None:
    at, vault = house.clock.now(), house.services.vault

    def token(tx: Any) -> str:
        user = people.make(tx, "ana@example.org", "", "hash", at)
        caller = Caller(house.workspace.id, Grant(role), "user", user.id, "ana@example.org")
        scopes = ["write:jobs", "manage:keys"] if role >= Role.ADMIN else ["write:jobs"]
        return keys.make(tx, caller, "k", scopes, vault, at).token

    app = house.client("*", hosted=hosted, blocked=blocked).app
    client = Client(app, house.write(token), "/api/v1")
    named = client("POST", "/probes", probe(kind="icmp", host="inside.example"))
    assert named.status == (422 if told else 201)
    literal = client("POST", "/probes", probe(kind="icmp", host="10.0.0.7") | {"name": "Other"})
    assert literal.status == 422
