"""Webhooks in the formats of the five products: keys in their order, and signatures."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from dogwatch.core.alerts import Event, tells_of_one
from dogwatch.core.message import MOST_ITEMS, Alias, Message
from dogwatch.core.problems import Problem
from dogwatch.notify.formats import FORMATS, standard
from dogwatch.notify.webhook import WebhookChannel
from tests.harness.messages import MESSAGE, RECOVERY, SINCE, group, told

URL = "https://hooks.example/in"
SECRET = "your-webhook-secret"
WELL = told(**RECOVERY)
FAILED = told(expected_at=None, reason="exit status 3", duration_ms=1200, output_tail="a\nb")


def sent(form: str, message: Message = MESSAGE, **more: Any) -> tuple[Mapping[str, str], bytes]:
    """Return headers and body of a webhook in a format."""
    secrets = {"secrets": [SECRET]} if FORMATS[form].signed and form != "standard" else {}
    checked = WebhookChannel().check({"url": URL, "format": form, **secrets, **more})
    asked = WebhookChannel().request({**checked.public, **checked.secret}, message, SINCE)
    return dict(asked.headers), asked.body


def ordered(body: bytes) -> list[tuple[str, Any]]:
    """Return an object's members in the order on the wire."""
    return list(json.loads(body).items())


def test_cronmonitor_failed() -> None:
    assert ordered(sent("cronmonitor")[1]) == [
        ("event", "monitor.failed"),
        (
            "monitor",
            {
                "id": "w1",
                "name": "Nightly database backup",
                "schedule": "0 2 * * *",
                "status": "down",
            },
        ),
        ("last_ping_at", "2026-11-19T01:20:03Z"),
        ("expected_at", "2026-11-20T01:00:00Z"),
        ("failed_at", "2026-11-20T01:20:00Z"),
        ("grace_period", 1200),
    ]


def test_cronmonitor_failed_by_a_signal_before_its_deadline() -> None:
    early = told(expected_at=SINCE - timedelta(minutes=1))
    assert json.loads(sent("cronmonitor", early)[1])["failed_at"] == "2026-11-20T01:20:03Z"


def test_cronmonitor_recovered() -> None:
    assert ordered(sent("cronmonitor", WELL)[1]) == [
        ("event", "monitor.recovered"),
        ("monitor", {"id": "w1", "name": "Nightly database backup", "status": "up"}),
        ("recovered_at", "2026-11-20T01:20:03Z"),
        ("downtime_duration", 4830),
    ]


def test_cronmonitor_was_down_from_one_message_to_the_other() -> None:
    """A receiver that reckons with the times of both, which are of whole seconds, has the same."""
    since_at = SINCE.replace(microsecond=600_000)
    for down_for_s, told_s in ((9.7, 10), (9.5, 9), (0.0, 0), (90_000.6, 90_000)):
        well = told(**{**RECOVERY, "since_at": since_at, "down_for_s": down_for_s})
        assert json.loads(sent("cronmonitor", well)[1])["downtime_duration"] == told_s


def test_cronmonitor_signs_as_its_php_verifies() -> None:
    headers, body = sent("cronmonitor")
    expected = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert headers["x-cronmonitor-signature"] == expected


def test_cronowl_is_unsigned() -> None:
    headers, body = sent("cronowl", FAILED)
    assert (headers["user-agent"], headers["x-cronowl-event"]) == ("CronOwl/1.0", "check.down")
    assert not [name for name in headers if "signature" in name]
    assert ordered(body) == [
        ("event", "check.down"),
        (
            "check",
            {
                "id": "w1",
                "name": "Nightly database backup",
                "slug": "nightly-backup",
                "status": "down",
            },
        ),
        ("timestamp", "2026-11-20T01:20:03.250Z"),
        ("message", "Down: Nightly database backup"),
        ("duration", 1200),
    ]
    assert WebhookChannel().check({"url": URL, "format": "cronowl"}).secret == {"secrets": []}


OWL = [
    ({}, "check.down"),
    (RECOVERY, "check.recovery"),
    ({"event": Event.DEGRADED, "slow_after_ms": 900}, "check.slow"),
    ({"event": Event.TEST}, "check.recovery"),
    ({"target": "https://a.example"}, "http_monitor.down"),
    ({**RECOVERY, "target": "https://a.example"}, "http_monitor.up"),
    ({"event": Event.DEGRADED, "target": "https://a.example"}, "http_monitor.degraded"),
]


@pytest.mark.parametrize(("facts", "event"), OWL)
def test_cronowl_names_its_events(facts: dict[str, Any], event: str) -> None:
    headers, body = sent("cronowl", told(**facts))
    assert headers["x-cronowl-event"] == json.loads(body)["event"] == event


def test_cronowl_tells_of_a_monitor() -> None:
    facts = {"target": "https://a.example", "status_code": 503, "duration_ms": 80}
    body = json.loads(sent("cronowl", told(**facts))[1])
    assert "check" not in body
    assert list(body["httpMonitor"].items()) == [
        ("id", "w1"),
        ("name", "Nightly database backup"),
        ("url", "https://a.example"),
        ("status", "down"),
        ("statusCode", 503),
        ("responseTimeMs", 80),
    ]


def test_cronbeats_signs_the_body_in_hex() -> None:
    headers, body = sent("cronbeats", FAILED)
    expected = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert headers["x-webhook-signature"] == expected
    assert json.loads(body)["event"] == "job.down"
    assert json.loads(sent("cronbeats", WELL)[1])["event"] == "job.recovery"


def test_cronium_signs_as_it_wants_to_be_signed_to() -> None:
    headers, body = sent("cronium", FAILED)
    expected = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert headers["x-webhook-signature"] == expected
    assert headers["x-webhook-timestamp"] == str(int(SINCE.timestamp()))
    event = json.loads(body)["event"]
    assert list(event) == [
        *("id", "name", "status", "duration", "executionTime", "server", "output", "error"),
    ]
    assert (event["status"], event["error"], event["output"]) == (
        "FAILURE",
        "exit status 3",
        "a\nb",
    )
    assert json.loads(sent("cronium", WELL)[1])["event"]["status"] == "SUCCESS"


def test_cronpulse_uses_the_words_of_its_jobs() -> None:
    assert json.loads(sent("cronpulse")[1])["job"]["lastStatus"] == "missed"
    assert json.loads(sent("cronpulse", FAILED)[1])["job"]["lastStatus"] == "failed"
    body = json.loads(sent("cronpulse", WELL)[1])
    assert (body["event"], body["job"]["lastStatus"]) == ("job.recovered", "success")


def test_a_product_is_told_the_names_it_gave() -> None:
    message = told(alias=Alias("mon_abc123", 7, "a1b2c3d4"))
    assert json.loads(sent("cronmonitor", message)[1])["monitor"]["id"] == "mon_abc123"
    job = json.loads(sent("cronbeats", message)[1])["job"]
    assert (job["id"], job["job_key"]) == (7, "a1b2c3d4")
    assert json.loads(sent("standard", message)[1])["data"]["watch"]["id"] == "w1"


@pytest.mark.parametrize("form", [name for name in FORMATS if name != "standard"])
def test_a_repeat_has_the_same_key_in_every_format(form: str) -> None:
    assert sent(form)[0]["idempotency-key"] == MESSAGE.delivery_id


@pytest.mark.parametrize("secrets", [["a", "b"], ["x" * 65], [""], ["a\nb"], [7], "text"])
def test_a_dialect_has_one_short_secret(secrets: object) -> None:
    with pytest.raises(Problem) as caught:
        WebhookChannel().check({"url": URL, "format": "cronbeats", "secrets": secrets})
    assert set(caught.value.fields) == {"secrets"}


def test_the_standard_body() -> None:
    body = standard(told(output_tail="a\nb\n", duration_ms=12))
    assert body == {
        "type": "watch.down",
        "timestamp": "2026-11-20T01:20:03.250Z",
        "data": {
            "delivery_id": "01kdelivery",
            "event": "down",
            "rehearsal": False,
            "workspace": "Main",
            "watch": {
                "id": "w1",
                "slug": "nightly-backup",
                "name": "Nightly database backup",
                "tags": ["db1", "prod"],
                "url": "https://dogwatch.example/i/nightly-backup",
            },
            "status": "down",
            "previous_status": "up",
            "since_at": "2026-11-20T01:20:03.250Z",
            "expected_at": "2026-11-20T01:00:00.250Z",
            "reason": "nothing came for 20 min",
            "last_ok_at": "2026-11-19T01:20:03.250Z",
            "last_ok_ms": 240_000,
            "about": "Runbook: https://wiki.example/backup",
            "duration_ms": 12,
            "down_for_s": None,
            "output_tail": "a\nb",
            "count": 1,
            "others": [],
            "also_down": {"names": [], "count": 0, "since_at": None, "tags": []},
            "acknowledge_url": None,
            "snooze_url": None,
        },
    }


@pytest.mark.parametrize("event", list(Event))
def test_every_event_has_its_type(event: Event) -> None:
    body = standard(told(event=event, expected_at=None))
    assert body["type"] == f"watch.{event.value}"
    assert json.loads(json.dumps(body)) == body


@pytest.mark.parametrize("form", FORMATS)
def test_a_format_without_a_list_is_known_to_tell_of_one(form: str) -> None:
    names_both = "Watch 1" in str(FORMATS[form].payload(group(2)))
    assert tells_of_one("webhook", {"format": form}) is not names_both


def test_a_group_tells_of_all_it_names_and_counts_the_rest() -> None:
    data = standard(group(MOST_ITEMS, more=9_950))["data"]
    assert (data["count"], len(data["others"])) == (10_000, MOST_ITEMS - 1)
    assert data["others"][0]["watch"]["name"] == "Watch 1"
