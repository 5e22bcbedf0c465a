"""Channels, rules and deliveries."""

from typing import Any

import pytest

from dogwatch.core.alerts import Attempt, Verdict
from dogwatch.notify import CHANNELS
from dogwatch.usecases import channels, telling
from dogwatch.usecases.telling import Answered, Room
from tests.notify.settings import GOOD
from tests.web.api.conftest import House
from tests.web.asgi_client import Client

URL = "http://example.org/hook"
SECRETS = ["whsec_" + "A" * 32, "whsec_" + "B" * 32]


@pytest.fixture
def channel(api: Client) -> Any:
    """A webhook."""
    body = {"name": "Ops", "kind": "webhook", "settings": {"url": URL}}
    made = api("POST", "/channels", body)
    assert made.status == 201, made.text
    return made.json


def settings(house: House, channel: Any) -> dict[str, Any]:
    """Return the settings as the courier has them."""
    row = house.database.read(
        lambda tx: channels.channel_by_id(tx, house.workspace.id, channel["id"])
    ).result()
    return channels.unsealed(house.services.vault, row)


def test_secrets_are_shown_once(api: Client, house: House, channel: Any) -> None:
    assert channel["settings"] == {"url": URL, "format": "standard", "secrets": ["***"]}
    (secret,) = channel["secrets"]
    assert secret.startswith("whsec_")
    assert settings(house, channel) == {
        "url": URL,
        "format": "standard",
        "secrets": [secret],
    }
    again = api.get(f"/channels/{channel['id']}")
    assert secret not in again.text
    assert again.json == {name: value for name, value in channel.items() if name != "secrets"}
    assert api.get("/channels").json["data"] == [again.json]


def test_a_masked_secret_sent_back_is_kept(api: Client, house: House, channel: Any) -> None:
    path, (old,) = f"/channels/{channel['id']}", channel["secrets"]
    renamed = api("PATCH", path, {"name": " New ", "settings": {"secrets": ["***"]}}).json
    assert (renamed["name"], renamed.get("secrets")) == ("New", None)
    assert settings(house, channel)["secrets"] == [old]
    both = api("PATCH", path, {"settings": {"secrets": [SECRETS[0], "***"]}})
    assert both.faults.keys() == {"settings.secrets.1"}
    rotating = api("PATCH", path, {"settings": {"secrets": ["***", SECRETS[0]]}}).json
    assert rotating["settings"]["secrets"] == ["***", "***"]
    assert settings(house, channel)["secrets"] == [old, SECRETS[0]]
    fresh = api("PATCH", path, {"settings": {"secrets": None, "url": URL + "/2"}}).json
    assert settings(house, channel)["url"] == URL + "/2"
    assert settings(house, channel)["secrets"] == fresh["secrets"]
    assert old not in fresh["secrets"]


def test_a_mask_keeps_nothing_for_another_origin(api: Client, house: House) -> None:
    url = "https://example.org/in?room=ops&api_key=s3cret"
    body = {"name": "Keyed", "kind": "webhook", "settings": {"url": url}}
    made = api("POST", "/channels", body).json
    path = f"/channels/{made['id']}"
    shown = "https://example.org/in?room=ops&api_key=***"
    assert made["settings"]["url"] == api.get(path).json["settings"]["url"] == shown
    elsewhere = shown.replace("example.org", "evil.example")
    refused = api("PATCH", path, {"settings": {"url": elsewhere}})
    assert (refused.status, list(refused.faults)) == (422, ["settings.url"])
    both = {"url": "https://evil.example/", "secrets": ["***"]}
    refused = api("PATCH", path, {"settings": both})
    assert (refused.status, list(refused.faults)) == (422, ["settings.secrets.0"])
    assert (
        api("PATCH", path, {"settings": {**made["settings"], "url": shown + "&a=1"}}).status == 200
    )
    stored = settings(house, made)
    assert (stored["url"], stored["secrets"]) == (url + "&a=1", made["secrets"])


def test_the_usual_address_is_another_origin_too(api: Client, house: House) -> None:
    own = {"server_url": "https://ours.example", "topic": "s3cret", "token": "tk_1"}
    made = api("POST", "/channels", {"name": "Push", "kind": "ntfy", "settings": own}).json
    path = f"/channels/{made['id']}"
    refused = api("PATCH", path, {"settings": {"server_url": None}})
    assert refused.faults.keys() == {"settings.topic", "settings.token"}
    again = {"server_url": None, "topic": "other", "token": None}
    assert api("PATCH", path, {"settings": again}).status == 200
    assert settings(house, made) == {"server_url": "https://ntfy.sh", "topic": "other"}


def test_a_channel_is_switched_off_and_on(api: Client, channel: Any) -> None:
    path = f"/channels/{channel['id']}"
    off = api("PATCH", path, {"enabled": False}).json
    assert (off["enabled"], off["disabled_reason"]) == (False, "switched off")
    on = api("PATCH", path, {"enabled": True}).json
    assert (on["enabled"], on["disabled_reason"]) == (True, None)


def test_faults_of_settings_are_told_with_their_place(api: Client, channel: Any) -> None:
    made = api(
        "POST", "/channels", {"name": " ", "kind": "webhook", "settings": {"url": "ftp://x"}}
    )
    assert made.faults.keys() == {"name", "settings.url"}
    unknown = api("POST", "/channels", {"name": "X", "kind": "pigeon", "settings": {}})
    assert unknown.faults.keys() == {"kind"}
    path = f"/channels/{channel['id']}"
    bad = api("PATCH", path, {"settings": {"url": 3, "colour": "red"}})
    assert bad.faults.keys() == {"settings.url", "settings.colour"}
    assert api("PATCH", path, {"enabled": None}).faults.keys() == {"enabled"}


def test_mail_has_no_secret(api: Client) -> None:
    body = {"name": "Mail", "kind": "email", "settings": {"to": ["ops@example.org"]}}
    made = api("POST", "/channels", body).json
    assert made["settings"] == {"to": ["ops@example.org"]}
    assert made["secrets"] is None


def test_mail_without_a_mail_server_is_refused_with_the_reason(house: House) -> None:
    body = {"name": "Mail", "kind": "email", "settings": {"to": ["ops@example.org"]}}
    refused = house.client("*", mail_on=False)("POST", "/channels", body)
    assert refused.status == 422
    assert "DOGWATCH_SMTP_URL" in refused.faults["kind"]


def test_apprise_is_refused_unless_the_admin_allows_it(api: Client) -> None:
    body = {"name": "Any", "kind": "apprise", "settings": dict(GOOD["apprise"])}
    assert "DOGWATCH_APPRISE" in api("POST", "/channels", body).faults["kind"]


def test_a_channel_goes_with_its_rules(api: Client, channel: Any) -> None:
    assert api("POST", "/rules", {"channel_id": channel["id"]}).status == 201
    assert api("DELETE", f"/channels/{channel['id']}").status == 204
    assert api.get("/rules").json["data"] == []
    for method in ("GET", "DELETE"):
        assert api(method, f"/channels/{channel['id']}").status == 404
    assert api("PATCH", "/channels/none", {}).status == 404
    assert api("POST", "/channels/none/test").status == 404


def test_rules_are_made_and_removed(api: Client, channel: Any, watch: Any) -> None:
    plain = api("POST", "/rules", {"channel_id": channel["id"]})
    assert plain.status == 201
    assert plain.json == {
        "id": plain.json["id"],
        "channel_id": channel["id"],
        "events": ["down", "recovered"],
        "scope": {"kind": "all", "values": []},
        **dict.fromkeys(("quiet", "repeat_s", "digest")),
        "delay_s": 0,
        "escalations": [],
        "created_at": "2026-01-05T12:00:00.000Z",
    }
    scope = {"kind": "watches", "values": [watch["slug"]]}
    narrow = api(
        "POST", "/rules", {"channel_id": channel["id"], "events": ["degraded"], "scope": scope}
    ).json
    assert narrow["scope"] == {"kind": "watches", "values": [watch["id"]]}
    assert len(api.get("/rules").json["data"]) == 2
    assert api("DELETE", f"/rules/{narrow['id']}").status == 204
    assert api("DELETE", f"/rules/{narrow['id']}").status == 404
    assert api.get("/rules").json["data"] == [plain.json]


def test_faults_of_rules(api: Client, channel: Any) -> None:
    def faults(**body: Any) -> set[str]:
        return set(api("POST", "/rules", {"channel_id": channel["id"], **body}).faults)

    assert faults(channel_id="none") == {"channel_id"}
    assert faults(channel_id=None, events=[]) == {"channel_id", "events"}
    assert faults(events=["test"]) == {"events.0"}
    assert faults(scope={"kind": "tags"}) == {"scope.values"}
    assert faults(scope={"kind": "all", "values": ["a"]}) == {"scope.values"}
    assert faults(scope={"kind": "watches", "values": ["none"]}) == {"scope.values"}
    assert faults(scope={"kind": "tags", "values": ["a\0"]}) == {"scope.values.0"}
    assert faults(scope={"colour": 1}) == {"scope.colour"}


def test_a_test_is_queued_sent_and_read_with_its_receipt(
    api: Client, house: House, channel: Any
) -> None:
    queued = api("POST", f"/channels/{channel['id']}/test")
    assert (queued.status, queued.json["state"], queued.json["event"]) == (202, "pending", "test")
    assert api.get("/deliveries", state="pending").json["data"] == [queued.json]
    at, vault = house.clock.now(), house.services.vault
    (parcel,) = house.write(lambda tx: telling.claim(tx, "n1", at, Room(5, 5), vault, "http://x"))
    sent = Attempt(Verdict.SENT, 204, "HTTP 204", 12)
    house.write(lambda tx: telling.settle(tx, [Answered(parcel, sent, 0.5)], at))
    delivery = api.get(f"/deliveries/{queued.json['id']}").json
    assert (delivery["state"], delivery["attempts"]) == ("sent", 1)
    assert delivery["message"]["items"][0]["name"] == "Test message"
    assert delivery["receipts"] == [
        {
            "attempt": 1,
            "at": "2026-01-05T12:00:00.000Z",
            "verdict": "sent",
            "status_code": 204,
            "detail": "HTTP 204",
            "duration_ms": 12,
        }
    ]
    assert api.get("/deliveries", state="pending").json["data"] == []
    assert api.get("/deliveries/none").status == 404


def test_a_flip_makes_a_delivery(api: Client, house: House, channel: Any, watch: Any) -> None:
    api("POST", "/rules", {"channel_id": channel["id"]})
    house.ping(watch["ping_url"].rpartition("/")[2], "/fail")
    (told,) = api.get("/deliveries", watch=watch["slug"], channel=channel["id"]).json["data"]
    assert (told["event"], told["watch_id"]) == ("down", watch["id"])
    assert told["flip_id"] == api.get("/flips").json["data"][0]["id"]
    assert api.get("/deliveries", channel="none").status == 404
    assert api.get("/deliveries", watch="none").status == 404


# --- every kind --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", CHANNELS)
def test_every_kind_is_made_masked_and_kept(house: House, kind: str) -> None:
    api = house.client("*", apprise_on=True)
    made = api("POST", "/channels", {"name": "One", "kind": kind, "settings": dict(GOOD[kind])})
    assert made.status == 201, made.text
    secret = {one.name for one in CHANNELS[kind].fields if one.secret}
    shown = made.json["settings"]
    assert {name for name, value in shown.items() if value in ("***", ["***"])} == secret & set(
        settings(house, made.json)
    )
    before = settings(house, made.json)
    again = api("PATCH", f"/channels/{made.json['id']}", {"settings": shown})
    assert again.status == 200, again.text
    assert settings(house, made.json) == before
    row = house.database.read(
        lambda tx: channels.channel_by_id(tx, house.workspace.id, made.json["id"])
    ).result()
    assert not [
        name for name in secret if name in before and str(before[name]) in str((row.settings,))
    ]


MOVES = [
    ("ntfy", {"token": "tk_abc"}, {"server_url": "https://evil.example"}, {"topic", "token"}),
    ("matrix", {}, {"server_url": "https://evil.example"}, {"access_token"}),
    ("matrix", {}, {"server_url": "http://matrix.example.org"}, {"access_token"}),
    (
        "matrix",
        {},
        {"server_url": "https://evil.example", "access_token": "***"},
        {"access_token"},
    ),
]


@pytest.mark.parametrize(("kind", "more", "change", "refused"), MOVES)
def test_a_token_never_follows_a_new_address(
    api: Client, kind: str, more: Any, change: Any, refused: set[str]
) -> None:
    body = {"name": "One", "kind": kind, "settings": {**GOOD[kind], **more}}
    path = f"/channels/{api('POST', '/channels', body).json['id']}"
    answer = api("PATCH", path, {"settings": change})
    assert answer.status == 422
    assert set(answer.faults) == {f"settings.{one}" for one in refused}
    given = {name: {**GOOD[kind], **more}[name] for name in refused}
    assert api("PATCH", path, {"settings": {**change, **given}}).status == 200


def test_a_moved_webhook_address_is_given_whole(api: Client, house: House) -> None:
    body = {"name": "One", "kind": "mattermost", "settings": dict(GOOD["mattermost"])}
    made = api("POST", "/channels", body).json
    path, url = f"/channels/{made['id']}", "https://other.example/hooks/n3w"
    assert api("PATCH", path, {"settings": {"url": url}}).json["settings"] == {"url": "***"}
    assert settings(house, made) == {"url": url}


def test_a_test_waits_for_its_receipt_no_longer_than_asked(api: Client, channel: Any) -> None:
    queued = api("POST", f"/channels/{channel['id']}/test").json
    path = f"/deliveries/{queued['id']}"
    assert api.get(path, wait_s=0).json["state"] == "pending"
    assert api.get(path, wait_s=26).status == 422
    assert api.get(path, wait_s="soon").status == 422
