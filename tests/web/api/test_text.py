"""Text that no database keeps (NUL, half characters) is refused by name, wherever it stands."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import pytest

from tests.web.api.conftest import HTTP_ACTION, SCRIPT_ACTION, House
from tests.web.asgi_client import Client

BAD = ("a\0b", "half \ud800")
# Every text that a body may hold, one after the other made bad.
BODIES: Mapping[str, Mapping[str, Any]] = {
    "POST /watches": {
        "name": "N", "slug": "n", "description": "d", "tags": ["t"], "project": "p",
        "schedule": ["@daily"], "timezone": "UTC",
    },
    "PATCH /watches/w": {
        "name": "N", "slug": "n", "description": "d", "tags": ["t"], "project": "p",
        "schedule": "@daily", "timezone": "UTC",
    },
    "POST /jobs": {
        "name": "J", "overlap": "skip", "catch_up": "last", "lost_run": "fail",
        "action": HTTP_ACTION | {
            "method": "POST", "headers": [["X-Name", "value"]], "body": "b",
        },
    },
    "PATCH /jobs/j": {
        "name": "J", "project": "p", "action": SCRIPT_ACTION | {"env": {"NAME": "value"}},
    },
    "POST /jobs/j/trigger": {"input": {"name": ["value"]}},
    "POST /runs/r/cancel": {"reason": "why"},
    "POST /channels": {"name": "C", "kind": "webhook", "settings": {"url": "http://x"}},
    "PATCH /channels/c": {"name": "C", "settings": {"url": "http://x"}},
    "POST /rules": {
        "channel_id": "c", "events": ["down"], "scope": {"kind": "tags", "values": ["t"]},
    },
}  # fmt: skip


def spoilt(value: Any, bad: str, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the place of each text, a key or a value, with the whole in which it is bad."""
    if isinstance(value, str):
        yield place, bad
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            for where, spoiled in spoilt(inner, bad, f"{place}.{n}"):
                yield where, [*value[:n], spoiled, *value[n + 1 :]]
    elif isinstance(value, Mapping):
        yield place, {**value, bad: 1}
        for name, inner in value.items():
            for where, spoiled in spoilt(inner, bad, f"{place}.{name}"):
                yield where, {**value, name: spoiled}


@pytest.fixture
def addresses(api: Client, house: House) -> Mapping[str, str]:
    """What the placeholders of `BODIES` stand for."""
    api("POST", "/watches", {"name": "W"})
    api("POST", "/jobs", {"name": "J", "action": HTTP_ACTION})
    channel = api(
        "POST", "/channels", {"name": "C", "kind": "webhook", "settings": {"url": "http://x"}}
    )
    run = api("POST", "/jobs/j/trigger").json["id"]
    return {"w": "w", "j": "j", "r": run, "c": channel.json["id"]}


def of(addresses: Mapping[str, str], path: str) -> str:
    head, _, tail = path[1:].partition("/")
    name, _, verb = tail.partition("/")
    return "/" + "/".join(part for part in (head, name and addresses[name], verb) if part)


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("route", BODIES)
def test_a_body(api: Client, addresses: Mapping[str, str], route: str, bad: str) -> None:
    method, path = route.split()
    whole = dict(BODIES[route])
    seen = 0
    for place, body in spoilt(whole, bad):
        answer = api(method, of(addresses, path), body)
        seen += 1
        assert answer.status == 422, (place, answer.text)
        top = place.split(".")[1] if place else ""
        assert any(field.startswith(top) for field in answer.faults), (place, answer.faults)
    assert seen > len(whole)


def test_an_address_and_a_query(api: Client, addresses: Mapping[str, str]) -> None:
    document = api.get("/openapi.json").json
    seen = 0
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for parameter in operation.get("parameters", ()):
                for bad in (b"a\0b", b"half \xed\xa0\x80"):
                    answer = _with(api, method.upper(), path, parameter, bad)
                    seen += 1
                    assert answer.status < 500, (method, path, answer.text)
                    if b"\0" in bad:
                        assert answer.status in (404, 422), (method, path, answer.text)
                        assert set(answer.faults) == {parameter["name"]}, (path, answer.text)
    assert seen > 60


def _with(api: Client, method: str, path: str, parameter: Mapping[str, Any], bad: bytes) -> Any:
    in_path = parameter["in"] == "path"
    if in_path:
        path = path.replace(f"{{{parameter['name']}}}", quote(bad))
    path = path.replace("{id}", "w").replace("{number}", "1")
    return api(method, path, None, query={} if in_path else {parameter["name"]: bad})


def test_headers_that_are_not_ascii(api: Client) -> None:
    for name in ("idempotency-key", "last-event-id", "content-type", "authorization", "accept"):
        answer = api("POST", "/watches", {"name": "A"}, headers={name: "\xff\x01"})
        assert answer.status < 500
