"""What services answer: which answers are final, how long to wait, what people are told."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from dogwatch.core.alerts import Verdict
from dogwatch.egress import Response
from dogwatch.notify import CHANNELS
from dogwatch.notify.http_channel import (
    HttpChannel,
    verdict_of_service,
    wait_asked,
    without_secrets,
)
from dogwatch.notify.webhook import WebhookChannel
from tests.harness.messages import MESSAGE
from tests.notify.settings import GOOD

AT = datetime(2026, 11, 20, 1, 20, tzinfo=UTC)


def answer(status_code: int, body: Any = "", **headers: str) -> Response:
    """Return a service's answer; what is no text is JSON."""
    text = body if isinstance(body, str) else json.dumps(body)
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Response(status_code, named, text.encode(), False, {}, "192.0.2.1")


VERDICTS = [
    *((code, Verdict.SENT) for code in (200, 201, 202, 204)),
    *((code, Verdict.RETRY) for code in (302, 307, 408, 425, 429, 500, 502, 503, 504)),
    *((code, Verdict.FAILED) for code in (400, 401, 403, 404, 405, 413, 422)),
    (410, Verdict.DISABLE),
]


@pytest.mark.parametrize(("code", "verdict"), VERDICTS)
def test_a_refusal_is_final_and_trouble_is_not(code: int, verdict: Verdict) -> None:
    assert verdict_of_service(code) is verdict


WORDS = [
    ("slack", 200, "ok", "Slack said: ok"),
    (
        "slack", 404, "no_service",
        "Slack said: no_service (the webhook was removed or switched off; make a new one)",
    ),
    ("slack", 410, "channel_is_archived",
     "Slack said: channel_is_archived (its channel is archived)"),
    ("slack", 503, "", "Slack said: HTTP 503"),
    ("discord", 200, {"id": "7", "content": "", "embeds": [{"title": "Down"}], "mentions": []},
     "Discord said: HTTP 200"),
    ("telegram", 200, {"ok": True, "result": {"message_id": 7, "text": "Down", "chat": {"id": 1}}},
     "Telegram said: HTTP 200"),
    ("teams", 202, "", "Microsoft Teams said: HTTP 202"),
    ("ntfy", 200, {"id": "x", "event": "message", "topic": "alerts-7f3k2p", "message": "Down"},
     "ntfy said: HTTP 200"),
    ("pushover", 200, {"status": 1, "request": "647d2300"}, "Pushover said: HTTP 200"),
    ("pagerduty", 202, {"status": "success", "message": "Event processed", "dedup_key": "k"},
     "PagerDuty said: Event processed"),
    ("opsgenie", 202, {"result": "Request will be processed", "took": 0.3, "requestId": "r"},
     "Opsgenie said: Request will be processed"),
    ("matrix", 200, {"event_id": "$x"}, "Matrix said: HTTP 200"),
    ("mattermost", 200, "ok", "Mattermost said: ok"),
    ("sms", 201, {"sid": "SM1", "status": "queued", "body": "Down", "error_message": None},
     "Twilio said: HTTP 201"),
    ("webhook", 204, "", "HTTP 204"),
    (
        "slack", 302, "",
        "Slack said: HTTP 302 (redirects aren't followed; give the new address)",
    ),
    (
        "discord", 404, {"message": "Unknown Webhook", "code": 10015},
        "Discord said: Unknown Webhook; code 10015 (the webhook was removed; make a new one)",
    ),
    (
        "telegram", 400,
        {"ok": False, "error_code": 400, "description": "Bad Request: chat not found"},
        "Telegram said: Bad Request: chat not found "
        "(add the bot to the chat, or write /start to it, and check chat_id)",
    ),
    (
        "telegram", 401, {"ok": False, "description": "Unauthorized"},
        "Telegram said: Unauthorized (the bot token is wrong or was withdrawn)",
    ),
    (
        "teams", 404, {"error": {"code": "WorkflowNotFound", "message": "The workflow is gone."}},
        "Microsoft Teams said: The workflow is gone.; WorkflowNotFound "
        "(the workflow was removed; make a new one)",
    ),
    (
        "ntfy", 403, {"code": 40301, "http": 403, "error": "forbidden"},
        "ntfy said: forbidden; code 40301 "
        "(the topic is protected; give the token of a user who may write to it)",
    ),
    (
        "pushover", 400, {"user": "invalid", "errors": ["user key is invalid"], "status": 0},
        "Pushover said: user key is invalid "
        "(check user: your own key, not the application's)",
    ),
    (
        "pagerduty", 400,
        {"status": "invalid event", "message": "Event object is invalid",
         "errors": ["Length of 'routing_key' is incorrect (should be 32 characters)"]},
        "PagerDuty said: Event object is invalid; "
        "Length of 'routing_key' is incorrect (should be 32 characters) "
        "(check the integration key, and that region is the account's)",
    ),
    (
        "opsgenie", 422, {"message": "Could not authenticate", "took": 0.0},
        "Opsgenie said: Could not authenticate "
        "(check api_key, and that region is the account's)",
    ),
    (
        "matrix", 403, {"errcode": "M_FORBIDDEN", "error": "User not in room"},
        "Matrix said: User not in room; M_FORBIDDEN "
        "(invite the bot to the room and let it join)",
    ),
    (
        "mattermost", 400, {"id": "web.incoming_webhook.invalid.app_error",
                            "message": "Invalid webhook", "status_code": 400},
        "Mattermost said: Invalid webhook (the webhook was removed; make a new one)",
    ),
    (
        "sms", 400, {"code": 21211, "message": "Invalid 'To' Phone Number", "status": 400},
        "Twilio said: Invalid 'To' Phone Number; code 21211 (check the number in to)",
    ),
    ("webhook", 500, "it broke\nbadly", "HTTP 500 it broke badly"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "code", "body", "words"), WORDS)
def test_an_answer_in_words(kind: str, code: int, body: Any, words: str) -> None:
    channel = CHANNELS[kind]
    assert isinstance(channel, HttpChannel)
    said = answer(code, body)
    hidden = channel.hidden(GOOD[kind], MESSAGE)
    assert channel.told(said, channel.verdict(said), hidden) == words


@pytest.mark.parametrize(
    ("kind", "taken", "not_taken"),
    [("telegram", {"ok": True}, {"ok": False}), ("pushover", {"status": 1}, {"status": 0})],
)
def test_a_200_that_does_not_say_it_was_taken_is_none(
    kind: str, taken: Any, not_taken: Any
) -> None:
    channel = CHANNELS[kind]
    assert isinstance(channel, HttpChannel)
    assert channel.verdict(answer(200, taken)) is Verdict.SENT
    refused: list[Any] = [not_taken, "<html>", [], "7"]
    for body in refused:
        assert channel.verdict(answer(200, body)) is Verdict.RETRY


OFFICE = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error "


@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        ("1", Verdict.SENT),
        (f"{OFFICE}429 with ContextId tcid=0", Verdict.RETRY),
        (f"{OFFICE}413 with ContextId tcid=0", Verdict.FAILED),
        (f"{OFFICE}503 with ContextId tcid=0", Verdict.RETRY),
    ],
)
def test_an_office_connector_refuses_with_200(words: str, verdict: Verdict) -> None:
    # learn.microsoft.com, "Create and send messages", "Rate limiting for Connectors".
    channel = CHANNELS["teams"]
    assert isinstance(channel, HttpChannel)
    assert channel.verdict(answer(200, words)) is verdict


WAITS = [
    (answer(429, "", Retry_After="120"), 120),
    (answer(429, {"message": "rate limited", "retry_after": 0.65}), 0.65),  # Discord
    (answer(429, {"ok": False, "parameters": {"retry_after": 35}}), 35),  # Telegram
    (answer(429, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 2000}), 2),  # Matrix
    (answer(429, {"retry_after": "soon"}), None),
    (answer(429, [1]), None),
    (answer(429, "<html>"), None),
    (answer(503, "", retry_after="7"), 7),
    (answer(200, {"retry_after": 5}), None),
]


@pytest.mark.parametrize(("said", "seconds"), WAITS)
def test_a_wish_to_wait_is_found(said: Response, seconds: float | None) -> None:
    assert wait_asked(said, AT) == seconds


def tail_of(secret: str) -> str:
    """Return what is secret of an address, or the whole secret."""
    return secret.rpartition("/")[2].rpartition("=")[2]


@pytest.mark.parametrize("kind", GOOD)
def test_no_answer_repeats_a_secret(kind: str) -> None:
    channel = CHANNELS[kind]
    if not isinstance(channel, HttpChannel):
        return
    secrets = [str(value) for value in channel.check(GOOD[kind]).secret.values()]
    if kind == "webhook":
        secrets = []
    for secret in secrets:
        body = {"message": f"cannot use {secret} here", "error": tail_of(secret)}
        told = told_by(kind, answer(400, body))
        assert secret not in told
        assert tail_of(secret) not in told


def test_every_service_is_heard_when_it_takes_a_message_and_when_it_refuses_one() -> None:
    heard = {(kind, code < 300) for kind, code, *_ in WORDS}
    kinds = {kind for kind, channel in CHANNELS.items() if isinstance(channel, HttpChannel)}
    assert heard == {(kind, good) for kind in kinds for good in (True, False)}


def told_by(kind: str, said: Response) -> str:
    """Return what is kept of an answer."""
    channel = CHANNELS[kind]
    assert isinstance(channel, HttpChannel)
    return channel.told(said, Verdict.FAILED, channel.hidden(GOOD[kind], MESSAGE))


@pytest.mark.parametrize(
    "body", ["[" * 100_000, '{"message": {"message": []}}', "\0\x1b[1m", "null"]
)
def test_any_body_is_worded(body: str) -> None:
    told = told_by("slack", answer(400, body))
    assert told.startswith("Slack said: ")
    assert len(told) <= 500


def test_a_secret_at_the_end_of_what_is_told_leaves_no_beginning() -> None:
    secret = str(GOOD["telegram"]["bot_token"])
    said = answer(400, {"description": f"{'x' * 460} {secret}"})
    told = told_by("telegram", said)
    assert "***" in told
    assert secret[:4] not in told


def test_a_receiver_that_echoes_tells_neither_its_address_nor_the_link_that_acknowledges() -> None:
    """Who may see an incident sees what was answered; channels and links are not for all."""
    settings = {"url": "https://hooks.example/in/k3y-of-it?token=s3%2Fcret&room=1", "secrets": []}
    message = replace(MESSAGE, ack_url="https://watch.example/acknowledge/2.01k.179.9481f48db1ee")
    channel = WebhookChannel()
    request = channel.request(settings, message, AT)
    echo = f"{'x' * 100} {request.url} s3/cret {request.body.decode()} HTTP/1.1"
    hidden = channel.hidden(settings, message)
    for ending in ("", "x" * 350):  # all of it is masked before it is cut
        told = channel.told(answer(200, ending + echo), Verdict.SENT, hidden)
        assert told.startswith("HTTP 200 x")
        for secret in ("k3y-of", "s3%2F", "s3/cret", "9481f4"):
            assert secret not in told


def test_parts_of_a_secret_address_are_secret_and_its_common_words_are_not() -> None:
    url = "https://hooks.example/services/T0/B0AB12/k3y?sig=abc-123"
    said = "services of hooks.example: B0AB12 and abc-123"
    assert without_secrets(said, [url]) == "services of hooks.example: *** and ***"
