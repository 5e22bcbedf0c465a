"""Idempotency-Key: a POST sent again is answered again, not done again."""

import asyncio
from typing import Any

import pytest

from dogwatch.store import idempotency as stored
from tests.web.api.conftest import HTTP_ACTION, House
from tests.web.asgi_client import Answer, Client

KEY = {"idempotency-key": "order-1"}


def test_the_same_request_gets_the_same_answer(api: Client) -> None:
    first = api("POST", "/watches", {"name": "A"}, headers=KEY)
    again = api("POST", "/watches", {"name": "A"}, headers=KEY)
    assert first.status == again.status == 201
    assert first.body == again.body
    assert first.headers["location"] == again.headers["location"]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert len(api.get("/watches").json["data"]) == 1


def test_the_answer_stays_though_the_thing_is_gone(api: Client) -> None:
    api("POST", "/watches", {"name": "A"}, headers=KEY)
    api("DELETE", "/watches/a")
    assert api("POST", "/watches", {"name": "A"}, headers=KEY).status == 201
    assert api.get("/watches").json["data"] == []


def test_another_request_with_the_key_is_422(api: Client) -> None:
    api("POST", "/watches", {"name": "A"}, headers=KEY)
    for path, body in (("/watches", {"name": "B"}), ("/watches/a/pause", {"name": "A"})):
        other = api("POST", path, body if path == "/watches" else {}, headers=KEY)
        assert other.status == 422
        assert other.faults.keys() == {"Idempotency-Key"}
    assert api.get("/watches/a").json["status"] == "new"


def test_what_failed_may_be_sent_again(api: Client) -> None:
    api("POST", "/watches", {"name": "A", "slug": "a"})
    assert api("POST", "/watches", {"name": "B", "slug": "a"}, headers=KEY).status == 409
    api("DELETE", "/watches/a")
    assert api("POST", "/watches", {"name": "B", "slug": "a"}, headers=KEY).status == 201


def test_every_post_takes_a_key(api: Client) -> None:
    api("POST", "/jobs", {"name": "J", "action": HTTP_ACTION, "overlap": "allow"})
    first, again = (api("POST", "/jobs/j/trigger", {}, headers=KEY) for _ in range(2))
    assert first.status == 202
    assert first.body == again.body
    assert len(api.get("/runs").json["data"]) == 1


@pytest.mark.parametrize("path", ["watches", "jobs"])
def test_of_two_at_once_one_is_done(api: Client, path: str) -> None:
    body: dict[str, Any] = {"name": "A", "slug": "a"}
    if path == "jobs":
        body["action"] = HTTP_ACTION

    async def many() -> list[Answer]:
        sends = [api.send("POST", f"/{path}", body, headers=KEY) for _ in range(8)]
        return list(await asyncio.gather(*sends))

    answers = asyncio.run(many())
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert len(api.get(f"/{path}").json["data"]) == 1


def test_a_secret_in_an_answer_is_kept_encrypted(api: Client, house: House) -> None:
    body = {"name": "Ops", "kind": "webhook", "settings": {"url": "http://example.org/"}}
    first, again = (api("POST", "/channels", body, headers=KEY) for _ in range(2))
    assert first.json["secrets"] == again.json["secrets"]
    kept = house.database.read(
        lambda tx: stored.kept(tx, house.workspace.id, KEY["idempotency-key"])
    ).result()
    assert kept is not None
    assert first.json["secrets"][0].encode() not in kept.body


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "ä", "a\0"])
def test_a_key_is_short_printable_text(api: Client, key: str) -> None:
    answer = api("POST", "/watches", {"name": "A"}, headers={"idempotency-key": key})
    assert answer.faults.keys() == {"Idempotency-Key"}


def test_after_a_day_the_key_is_free(api: Client, house: House) -> None:
    api("POST", "/watches", {"name": "A"}, headers=KEY)
    house.clock.advance(24 * 3600)
    assert api("POST", "/watches", {"name": "B"}, headers=KEY).status == 422
    house.clock.advance(1)
    assert api("POST", "/watches", {"name": "B"}, headers=KEY).json["slug"] == "b"
