"""All that a product's document states is there: routed, told in OpenAPI, and run by real curl."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from dogwatch.web.dialect.tongue import Tongue
from dogwatch.web.dialects import PING_FORMS, TONGUES
from tests.harness.documented import DOCUMENTED, Endpoint, requests_in, samples_of
from tests.web.asgi_client import Client
from tests.web.dialects.conftest import Door

# What is asked of whoever pings, HEAD being GET without content, and of callers without a key.
OPEN = ("/ping/", "/api/ping/", "/api/run/", "/api/complete/", "/api/workflows/webhook/",
        "/api/webhooks/", "/api/health", "/api/v3/status/")  # fmt: skip
STAND_INS: Mapping[str, str | Mapping[str, str]] = {
    "{key}": {"cronbeats": "Abcd1234", "cronpulse": "abcd12345"}, "{token}": "abcd12345678",
    "{slug}": "abcd123456", "{uuid}": "0c8983c9-9d73-446f-adb5-0641fdacc9d4", "{exit}": "7",
    "{percent}": "40", "{type}": "slack", "{ping_key}": "x" * 22,
}  # fmt: skip

each_dialect = pytest.mark.parametrize("tongue", TONGUES, ids=lambda tongue: tongue.name)


def filled(name: str, path: str) -> str:
    """Return a path with names of the right shape in its places."""
    for place, stand_in in STAND_INS.items():
        own = stand_in if isinstance(stand_in, str) else stand_in.get(name, "x")
        path = path.replace(place, own)
    return re.sub(r"{\w+}", "1", path)


@each_dialect
def test_each_documented_endpoint_is_routed(door: Door, tongue: Tongue) -> None:
    """Without a key: 401 says that something is there; who pings is read as one who does."""
    client = door(tongue.name)
    stranger = Client(client.app, None, client.base)
    forms = [form for form in PING_FORMS if form.name == tongue.name]
    for one in DOCUMENTED[tongue.name]:
        path = filled(tongue.name, one.path)
        if path.startswith(OPEN[:4]):
            below = path.removeprefix("/api") if path.startswith("/api/ping/") else path
            assert any(form.reads(below) for form in forms), one
        elif path.startswith(OPEN):
            answer = stranger(one.method, path)
            assert answer.status in one.statuses, one
            assert "nothing at this address" not in answer.text, one
        else:
            assert stranger(one.method, path).status == 401, one


@each_dialect
def test_each_documented_endpoint_is_in_the_document_with_its_codes(
    door: Door, tongue: Tongue
) -> None:
    paths = door(tongue.name).get("/openapi.json").json["paths"]
    for one in DOCUMENTED[tongue.name]:
        if one.method != "HEAD":
            told = [set(operation["responses"]) for operation in operations(paths, one)]
            assert told, one
            assert any({str(status) for status in one.statuses} <= each for each in told), one


def operations(paths: dict[str, Any], one: Endpoint) -> Iterator[Any]:
    """Yield what an OpenAPI document tells of an endpoint; a last slash means nothing."""
    asked = re.sub(r"{\w+}", "1", one.path).removesuffix("/")
    for path, item in paths.items():
        place = "[^/]+".join(map(re.escape, re.split(r"{\w+}", path.removesuffix("/"))))
        if re.fullmatch(place, asked) and one.method.lower() in item:
            yield item[one.method.lower()]


@each_dialect
def test_each_documented_endpoint_is_asked_by_curl(tongue: Tongue) -> None:
    """The samples are run, all of them, by `tests/e2e/test_dialects.py` and its like."""
    documented = DOCUMENTED[tongue.name]
    asked = set(requests_in(samples_of(tongue.name)))
    assert [one for one in documented if not any(one.is_at(*each) for each in asked)] == []
    assert [each for each in asked if not any(one.is_at(*each) for one in documented)] == []


def test_every_dialect_has_its_table() -> None:
    assert set(DOCUMENTED) == {tongue.name for tongue in TONGUES}
