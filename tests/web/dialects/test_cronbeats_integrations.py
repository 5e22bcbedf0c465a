"""CronBeats' integrations: each a channel of ours, masked, with one rule and a real test."""

import asyncio
from typing import Any

import pytest

from dogwatch.usecases import channels
from tests.web.asgi_client import Client
from tests.web.dialects.conftest import ON_BOTH, Door, House

HOOK = {"webhook_url": "https://hooks.slack.com/services/T0/B0/secret", "is_enabled": True}
WEBHOOK = {"url": "https://your-server.com/alerts?token=x", "secret": "s3cret", "is_enabled": True}
BOT = {"bot_token": "123456:ABC...", "chat_id": "123456789", "is_enabled": True}
SENT: dict[str, Any] = {"slack": HOOK, "discord": HOOK, "telegram": BOT, "webhook": WEBHOOK}
MASKED: dict[str, Any] = {
    "slack": {"webhook_url": "***"},
    "discord": {"webhook_url": "***"},
    "telegram": {"bot_token": "***", "chat_id": "123456789"},
    "webhook": {"url": "https://your-server.com/alerts?token=***", "secret": "***"},
}


@pytest.fixture
def client(door: Door) -> Client:
    return door("cronbeats")


def put(client: Client, kind: str, body: Any) -> Any:
    answer = client("PUT", f"/api/v1/integrations/{kind}", body)
    assert answer.status == 200, answer.text
    return answer.json["data"]


def test_all_types_are_listed_before_any_is_configured(client: Client) -> None:
    found = client.get("/api/v1/integrations").json
    assert (found["success"], len(found["data"])) == (True, 4)
    for one in found["data"]:
        assert list(one) == ["type", "is_enabled", "is_configured", "config"]
        assert not one["is_enabled"]
        assert set(one["config"].values()) == {None}
        assert set(one["config"]) == set(MASKED[one["type"]])


@ON_BOTH
@pytest.mark.parametrize("kind", list(SENT))
def test_an_integration_is_a_channel_until_it_is_cleared(
    client: Client, api: Client, kind: str
) -> None:
    whole = {"type": kind, "is_enabled": True, "is_configured": True, "config": MASKED[kind]}
    assert put(client, kind, SENT[kind]) == whole
    (channel,) = api.get("/channels").json["data"]
    assert (channel["kind"], channel["enabled"]) == (kind, True)
    (rule,) = api.get("/rules").json["data"]
    assert (rule["channel_id"], set(rule["events"])) == (channel["id"], {"down", "recovered"})
    assert put(client, kind, {"is_enabled": False}) == whole | {"is_enabled": False}
    assert put(client, kind, MASKED[kind] | {"is_enabled": True}) == whole
    assert len(api.get("/channels").json["data"]) == 1
    first = next(iter(MASKED[kind]))
    assert put(client, kind, {first: ""})["is_configured"] is False
    assert api.get("/channels").json["data"] == []


def test_a_channel_that_was_deleted_elsewhere_is_not_configured(
    client: Client, api: Client
) -> None:
    put(client, "slack", HOOK)
    (channel,) = api.get("/channels").json["data"]
    api("DELETE", f"/channels/{channel['id']}")
    assert client.get("/api/v1/integrations").json["data"][0]["is_configured"] is False
    assert put(client, "slack", HOOK)["is_configured"] is True


def test_a_mask_keeps_the_secret(client: Client, house: House) -> None:
    put(client, "webhook", WEBHOOK)
    put(client, "webhook", {"url": "https://other.example/x", "secret": "***"})

    def stored(tx: Any) -> Any:
        (channel,) = channels.channel_page(tx, house.workspace.id, 10, "")
        return channels.unsealed(house.services.vault, channel)

    assert house.write(stored) == {
        "url": "https://other.example/x", "format": "cronbeats", "secrets": ["s3cret"],
    }  # fmt: skip


@ON_BOTH
def test_alert_rules_say_what_is_told_of(client: Client, api: Client) -> None:
    path = "/api/v1/integrations/alert-rules"
    both = {"alert_on_down": True, "alert_on_recovery": True}
    assert client.get(path).json == {"success": True, "data": both}
    assert put(client, "alert-rules", {"alert_on_recovery": False}) == both | {
        "alert_on_recovery": False
    }
    put(client, "slack", HOOK)
    assert [rule["events"] for rule in api.get("/rules").json["data"]] == [["down"]]
    put(client, "alert-rules", {"alert_on_down": False})
    assert api.get("/rules").json["data"] == []
    put(client, "alert-rules", both)
    assert len(api.get("/rules").json["data"]) == 1


def test_a_test_is_a_real_message(door: Door, house: House, api: Client) -> None:
    stopping = asyncio.Event()
    stopping.set()  # nobody sends here, so nothing is waited for
    client = door("cronbeats", stopping=stopping)
    missing = client("POST", "/api/v1/integrations/pager/test")
    assert (missing.status, missing.json["error"]) == (404, "not_found")
    bare = client("POST", "/api/v1/integrations/slack/test")
    assert (bare.status, bare.json["error"]) == (400, "not_configured")
    put(client, "slack", HOOK)
    sent = client("POST", "/api/v1/integrations/slack/test")
    assert (sent.status, list(sent.json)) == (200, ["success", "message"])
    (delivery,) = api.get("/deliveries").json["data"]
    assert (delivery["event"], delivery["state"]) == ("test", "pending")


@pytest.mark.parametrize(
    ("kind", "sent", "lacks"),
    [("telegram", {"bot_token": "123456:ABC"}, "chat_id"),
     ("telegram", {"chat_id": "123", "is_enabled": True}, "bot_token"),
     ("webhook", {"secret": "s3cret"}, "url"), ("slack", {"webhook_url": "***"}, "webhook_url")],
)  # fmt: skip
def test_what_is_not_enough_to_send_by_is_refused(
    client: Client, kind: str, sent: Any, lacks: str
) -> None:
    answer = client("PUT", f"/api/v1/integrations/{kind}", sent)
    assert (answer.status, answer.json["errors"]) == (422, {lacks: ["is required"]})
    assert put(client, kind, {"is_enabled": True})["is_configured"] is False


WRONG: dict[str, dict[str, list[Any]]] = {
    "slack": {
        "webhook_url": [None, 5, "http://hooks.slack.com/x", "nonsense", "x" * 3000],
        "is_enabled": [None, 1, "yes"],
    },
    "telegram": {"bot_token": [None, 5, "a/b", "x" * 201], "chat_id": [None, 5, "a b", "1/2"]},
    "webhook": {"url": [None, "http://x.example", "https://a b"], "secret": [None, 5, "x" * 65]},
    "alert-rules": {"alert_on_down": [None, 1, "no"], "alert_on_recovery": [None, []]},
}


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [(kind, name, one) for kind, fields in WRONG.items() for name, many in fields.items()
     for one in many],
    ids=lambda value: repr(value)[:30],
)  # fmt: skip
def test_a_bad_field_is_named(client: Client, kind: str, field: str, value: Any) -> None:
    answer = client("PUT", f"/api/v1/integrations/{kind}", {field: value})
    assert (answer.status, list(answer.json["errors"])) == (422, [field])
    assert client.get("/api/v1/integrations").json["data"][0]["is_configured"] is False
