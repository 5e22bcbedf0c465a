"""What is made is read, changed and removed by the links of the OpenAPI document, as each of its
examples says."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from dogwatch.usecases import people
from tests.web.api.conftest import HTTP_ACTION, House
from tests.web.asgi_client import Client

ORDER = ("patch", "put", "get", "post", "delete")
# What the examples are about, beside what is made here.
EXAMPLE_ID = "01kd0000000000000000000000"
JOBS = ("fetch-orders", "load-orders", "tell-support")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The URL of a fresh database; one kind of store is enough for chains."""
    return sqlite_url


@pytest.fixture
def document(api: Client) -> Mapping[str, Any]:
    found: Mapping[str, Any] = api.get("/openapi.json").json
    return found


def operations(document: Mapping[str, Any]) -> dict[str, tuple[str, str, Any]]:
    """Return method, path and what is said of each operation, by its id."""
    return {
        one["operationId"]: (method, path, one)
        for path, methods in document["paths"].items()
        for method, one in methods.items()
    }


def example_of(document: Mapping[str, Any], operation: Mapping[str, Any], channel: str) -> Any:
    """Return the example of an operation's body, with a channel that is there."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    schema = (content or {}).get("schema", {})
    parts = [schema, *schema.get("anyOf", ())]
    name = next((part["$ref"].rpartition("/")[2] for part in parts if "$ref" in part), "")
    examples = document["components"]["schemas"].get(name, {}).get("examples", [{}])
    return json.loads(json.dumps(examples[0]).replace(EXAMPLE_ID, channel)) if content else None


def chains(document: Mapping[str, Any]) -> Iterator[tuple[str, Any, list[str]]]:
    """Yield where something is made, how, and the operations that its links lead to, in order."""
    every = operations(document)
    for path, methods in document["paths"].items():
        links = methods.get("post", {}).get("responses", {}).get("201", {}).get("links", {})
        linked = [one["operationId"] for one in links.values()]
        plain = [name for name in linked if every[name][1].count("{") == 1]
        if plain:
            yield path, methods["post"], sorted(plain, key=lambda name: ORDER.index(every[name][0]))


def furnished(api: Client, house: House) -> str:
    """Have what the examples are about; return the id of a channel."""
    for job in JOBS:
        assert api("POST", "/jobs", {"name": job, "action": HTTP_ACTION}).status == 201
    for watch in ("router", "shop-web"):
        api("POST", "/watches", {"name": watch, "schedule": "every 1h", "tags": ["pay"]})
    at = house.clock.now()
    house.write(lambda tx: people.make(tx, "ana@example.org", "Ana", "hash", at))
    hook = {"name": "Hook", "kind": "webhook", "settings": {"url": "https://ops.example/hook"}}
    return str(api("POST", "/channels", hook).json["id"])


def test_every_chain_of_the_document_runs(
    house: House, api: Client, document: Mapping[str, Any]
) -> None:
    channel, every, ran = furnished(api, house), operations(document), set()
    wrong = []
    for path, made_by, linked in chains(document):
        made = api("POST", path, example_of(document, made_by, channel))
        assert made.status == 201, (path, made.text)
        for name in linked:
            method, place, operation = every[name]
            if place.endswith("/stream"):
                continue  # it has no end
            sent = example_of(document, operation, channel)
            answer = api(method.upper(), place.replace("{id}", str(made.json["id"])), sent)
            assert str(answer.status) in operation["responses"], (name, answer.text)
            bad = answer.status >= 400 and (method != "post" or answer.status != 409)
            if bad:
                wrong.append((name, sent, answer.status, answer.text))
            ran.add(name)
            if (
                method == "delete"
                and place == f"{path}/{{id}}"
                and "get" in document["paths"][place]
            ):
                assert api.get(place.replace("{id}", str(made.json["id"]))).status == 404
    assert wrong == []
    assert len(ran) > 50
