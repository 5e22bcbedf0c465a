"""What each service is sent, against its own published format."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote_plus

import pytest

from dogwatch.core.alerts import Event
from dogwatch.core.message import MOST_ITEMS, Message, Note
from dogwatch.core.problems import Problem
from dogwatch.egress import Request
from dogwatch.notify import (
    CHANNELS,
    discord,
    matrix,
    mattermost,
    ntfy,
    pagerduty,
    pushover,
    slack,
    teams,
    telegram,
    twilio,
)
from dogwatch.notify.http_channel import HttpChannel
from tests.harness.messages import MESSAGE, RECOVERY, group, told
from tests.notify.settings import GOOD

AT = datetime(2026, 11, 20, 1, 20, tzinfo=UTC)
URL = "https://dogwatch.example/i/nightly-backup"
TITLE = "Down: Nightly database backup"
FACTS = [
    ("Why", "nothing came for 20 min"),
    ("Expected", "2026-11-20 02:00 Warsaw"),
    ("Since", "2026-11-20 02:20 Warsaw"),
    ("Last good", "2026-11-19 02:20 Warsaw, took 4 min"),
    ("About", "Runbook: https://wiki.example/backup"),
    ("Tags", "db1, prod"),
    ("Workspace", "Main"),
]
REST = "\n".join(f"{label}: {value}" for label, value in FACTS) + f"\nOpen: {URL}"
DOWN = told(output_tail="")
FAILED = told(output_tail="one\ntwo")
WELL = told(**RECOVERY)
TEST = told(event=Event.TEST)


def request(kind: str, message: Message = MESSAGE, **settings: Any) -> Request:
    """Return what is sent to a service under good settings."""
    channel = CHANNELS[kind]
    assert isinstance(channel, HttpChannel)
    checked = channel.check({**GOOD[kind], **settings})
    return channel.request({**checked.public, **checked.secret}, message, AT)


def test_slack_reads_blocks_without_markup() -> None:
    body = slack.payload(FAILED)
    assert body["text"] == TITLE
    (block,) = body["blocks"]
    assert block["type"] == "rich_text"
    section, output = block["elements"]
    assert section["type"] == "rich_text_section"
    assert section["elements"][:5] == [
        {"type": "text", "text": TITLE, "style": {"bold": True}},
        {"type": "text", "text": "\n"},
        {"type": "text", "text": "Why: ", "style": {"bold": True}},
        {"type": "text", "text": "nothing came for 20 min"},
        {"type": "text", "text": "\n"},
    ]
    assert section["elements"][-1] == {"type": "link", "url": URL, "text": "Open in Dogwatch"}
    assert output == {
        "type": "rich_text_preformatted",
        "elements": [{"type": "text", "text": "one\ntwo"}],
    }
    (block,) = slack.payload(group(2))["blocks"]
    assert [one["type"] for one in block["elements"]] == [
        "rich_text_section", "rich_text_list", "rich_text_section",
    ]  # fmt: skip


def test_discord_embeds_and_mentions_nobody() -> None:
    body = discord.payload(FAILED)
    assert body["allowed_mentions"] == {"parse": []}
    (embed,) = body["embeds"]
    assert embed["title"] == "Down\\: Nightly database backup"
    assert embed["description"] == "```\none\ntwo\n```"
    assert (embed["url"], embed["color"]) == (URL, 0xC4314B)
    assert embed["timestamp"] == "2026-11-20T01:20:03.250Z"
    assert embed["fields"][0] == {
        "name": "Why",
        "value": "nothing came for 20 min",
        "inline": True,
    }
    assert request("discord").url == f"{GOOD['discord']['url']}?wait=true"


def test_telegram_speaks_html() -> None:
    sent = request("telegram", FAILED, topic_id="17")
    assert sent.url == f"https://api.telegram.org/bot{GOOD['telegram']['bot_token']}/sendMessage"
    body = json.loads(sent.body)
    lines = body.pop("text").split("\n")
    assert body == {
        "chat_id": "-1001234567890",
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
        "disable_notification": False,
        "message_thread_id": 17,
    }
    assert lines[0] == f"<b>{TITLE}</b>"
    assert lines[2] == "<b>Expected:</b> 2026-11-20 02:00 Warsaw"
    assert lines[-3:] == [f'<a href="{URL}">Open in Dogwatch</a>', "<pre>one", "two</pre>"]
    assert telegram.payload(WELL, {"chat_id": "1"})["disable_notification"]


def test_teams_gets_an_adaptive_card() -> None:
    body = teams.payload(FAILED)
    assert body["type"] == "message"
    (attachment,) = body["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    runs = [[run["text"] for run in block["inlines"]] for block in card["body"]]
    assert runs == [[TITLE], *([f"{label}: ", value] for label, value in FACTS), ["one"], ["two"]]
    assert card["actions"] == [{"type": "Action.OpenUrl", "title": "Open in Dogwatch", "url": URL}]


def test_ntfy_is_published_as_json() -> None:
    sent = request("ntfy", DOWN, server_url="https://ntfy.example.org/", token="tk_abc")
    assert sent.url == "https://ntfy.example.org/"
    assert dict(sent.headers)["authorization"] == "Bearer tk_abc"
    assert json.loads(sent.body) == {
        "topic": "alerts-7f3k2p",
        "title": TITLE,
        "message": REST,
        "priority": 4,
        "tags": ["rotating_light"],
        "click": URL,
        "markdown": False,
    }
    assert "authorization" not in dict(request("ntfy").headers)
    assert ntfy.payload(WELL, "t")["priority"] == 3


def test_pushover_is_loud_as_told() -> None:
    body = pushover.payload(DOWN, GOOD["pushover"])
    assert body == {
        "token": GOOD["pushover"]["token"],
        "user": GOOD["pushover"]["user"],
        "title": TITLE,
        "message": REST,
        "priority": 1,
        "timestamp": int(MESSAGE.first.since_at.timestamp()),
        "url": URL,
        "url_title": "Open in Dogwatch",
    }
    emergency = pushover.payload(DOWN, {**GOOD["pushover"], "priority": "emergency"})
    assert (emergency["priority"], emergency["retry"], emergency["expire"]) == (2, 60, 3600)
    well = pushover.payload(WELL, {**GOOD["pushover"], "priority": "emergency"})
    assert well["priority"] == 0
    assert "retry" not in well


def test_pagerduty_triggers_and_resolves_under_one_key() -> None:
    body = pagerduty.payload(FAILED, "k")
    assert body["event_action"] == "trigger"
    assert body["dedup_key"] == "dogwatch-w1"
    assert body["payload"] == {
        "summary": TITLE,
        "source": "nightly-backup",
        "severity": "critical",
        "timestamp": "2026-11-20T01:20:03.250Z",
        "group": "Main",
        "class": "down",
        "custom_details": {**dict(FACTS), "Last lines of output": "one\ntwo"},
    }
    assert body["links"] == [{"href": URL, "text": "Open in Dogwatch"}]
    assert pagerduty.payload(WELL, "k") == {
        "routing_key": "k",
        "dedup_key": "dogwatch-w1",
        "event_action": "resolve",
    }
    tried = pagerduty.payload(TEST, "k")["payload"]
    assert tried["severity"] == "info"
    assert tried["custom_details"]["Message"].startswith("This is a test of this channel.")
    assert request("pagerduty").url == "https://events.pagerduty.com/v2/enqueue"
    assert request("pagerduty", region="eu").url == "https://events.eu.pagerduty.com/v2/enqueue"


def test_opsgenie_opens_and_closes_by_alias() -> None:
    opened, closed = request("opsgenie", DOWN), request("opsgenie", WELL, region="eu")
    assert opened.url == "https://api.opsgenie.com/v2/alerts"
    assert dict(opened.headers)["authorization"] == f"GenieKey {GOOD['opsgenie']['api_key']}"
    body = json.loads(opened.body)
    assert (body["message"], body["alias"]) == (TITLE, "dogwatch-w1")
    assert (body["priority"], body["tags"]) == ("P1", ["db1", "prod"])
    assert body["details"] == {**dict(FACTS), "url": URL}
    close = "https://api.eu.opsgenie.com/v2/alerts/dogwatch-w1/close?identifierType=alias"
    assert closed.url == close
    assert json.loads(closed.body)["source"] == "Dogwatch"


def test_matrix_puts_under_a_transaction() -> None:
    sent = request("matrix", FAILED)
    assert (sent.method, sent.url) == (
        "PUT",
        "https://matrix.example.org/_matrix/client/v3/rooms/%21room%3Aexample.org"
        "/send/m.room.message/01kdelivery",
    )
    body = json.loads(sent.body)
    assert (body["msgtype"], body["m.mentions"]) == ("m.text", {})
    assert body["body"].startswith(f"{TITLE}\n\nWhy: ")
    assert body["formatted_body"].startswith(f"<strong>{TITLE}</strong><br>Why: ")
    assert body["formatted_body"].endswith("<pre><code>one\ntwo</code></pre>")
    assert matrix.payload(DOWN)["format"] == "org.matrix.custom.html"


def test_mattermost_gets_one_attachment() -> None:
    (attachment,) = mattermost.payload(FAILED)["attachments"]
    assert attachment["title"] == "Down\\: Nightly database backup"
    assert attachment["title_link"] == URL
    assert attachment["text"] == "```\none\ntwo\n```"
    assert attachment["fields"][1] == {
        "title": "Expected",
        "value": "2026\\-11\\-20 02\\:00 Warsaw",
        "short": True,
    }


def test_an_sms_is_short_and_keeps_its_link() -> None:
    sent = request("sms")
    assert sent.url.endswith(f"/2010-04-01/Accounts/{GOOD['sms']['account_sid']}/Messages.json")
    pair = f"{GOOD['sms']['account_sid']}:{GOOD['sms']['auth_token']}".encode()
    assert dict(sent.headers)["authorization"] == f"Basic {base64.b64encode(pair).decode()}"
    form = {name: one for name, (one,) in parse_qs(sent.body.decode()).items()}
    assert (form["To"], form["From"]) == ("+48123456789", "+15005550006")
    assert form["Body"].startswith(f"{TITLE}\nWhy: nothing came for 20 min\nExpected: ")
    assert form["Body"].endswith(f"\n{URL}")
    assert len(form["Body"]) <= twilio.LENGTH
    service = twilio.payload(DOWN, {**GOOD["sms"], "from": "MG" + "0" * 32})
    assert service["MessagingServiceSid"] == "MG" + "0" * 32
    assert "From" not in service


ACK = "https://dogwatch.example/acknowledge/1.01kdelivery.1764206403.0123456789abcdef"
LINKS: list[tuple[str, str]] = [
    ("webhook", f'"acknowledge_url":"{ACK}","snooze_url":"{ACK}?hours=1"'),
    ("slack", f'{{"type":"link","url":"{ACK}","text":"Acknowledge"}}'),
    ("discord", f'"value":"[by this link]({ACK})"'),
    ("telegram", f'<a href=\\"{ACK}\\">Acknowledge</a>'),
    ("teams", f'{{"type":"Action.OpenUrl","title":"Acknowledge","url":"{ACK}"}}'),
    ("ntfy", f"Acknowledge: {ACK}"),
    ("pushover", f"Acknowledge: {ACK}"),
    ("pagerduty", f'{{"href":"{ACK}","text":"Acknowledge"}}'),
    ("opsgenie", f'"Acknowledge":"{ACK}"'),
    ("matrix", f'<a href=\\"{ACK}\\">Acknowledge</a>'),
    ("mattermost", f'"value":"[by this link]({ACK})"'),
    ("sms", f"\n{ACK}&"),
]


@pytest.mark.parametrize(("kind", "link"), LINKS)
@pytest.mark.parametrize("message", [MESSAGE, group(MOST_ITEMS, more=9_980)])
def test_every_service_can_follow_the_link_that_acknowledges(
    kind: str, link: str, message: Message
) -> None:
    sent = unquote_plus(request(kind, replace(message, ack_url=ACK)).body.decode()) + "&"
    assert link in sent
    assert ACK not in unquote_plus(request(kind, message).body.decode())


def test_every_channel_but_these_is_among_them() -> None:
    assert {kind for kind, _ in LINKS} == set(CHANNELS) - {"email", "apprise"}  # plain `text`


LONG = '&<>"\\*' * 100


@pytest.mark.parametrize("output", ["<" * 5000, LONG * 9, ""])
@pytest.mark.parametrize("count", [1, MOST_ITEMS])
def test_an_attachment_is_never_too_long_for_an_old_server(output: str, count: int) -> None:
    item = replace(MESSAGE.first, name=LONG, reason=LONG, tags=(LONG,), output_tail=output)
    message = replace(
        MESSAGE, items=(item,) * count, workspace=LONG, also_down=(LONG,) * 5, also_down_count=9
    )
    body = mattermost.payload(replace(message, ack_url=ACK))
    # model/post.go of server 5: POST_PROPS_MAX_USER_RUNES, less what the server adds.
    assert mattermost.size({"attachments": body["attachments"]}) <= 7600 - 300
    (attachment,) = body["attachments"]
    assert attachment["text"].count("```") in (0, 2)


def test_go_writes_some_characters_longer() -> None:
    # json.Marshal: "<", ">" and "&" are escaped, as \\u003c.
    assert mattermost.size('a<"é') == len('"a\\u003c\\"é"')


@pytest.mark.parametrize("path", ["/triggers/T0/1/abc", "/workflows/T0/A0/1/abc"])
def test_a_slack_workflow_is_refused_as_it_takes_flat_texts_alone(path: str) -> None:
    with pytest.raises(Problem, match="incoming webhook"):
        CHANNELS["slack"].check({"url": f"https://hooks.slack.com{path}"})


HTTP = [kind for kind, channel in CHANNELS.items() if isinstance(channel, HttpChannel)]


@pytest.mark.parametrize("kind", HTTP)
def test_a_repeat_is_known_by_its_key(kind: str) -> None:
    first, second = request(kind), request(kind)
    key = dict(first.headers).get("idempotency-key") or dict(first.headers)["webhook-id"]
    assert key == MESSAGE.delivery_id
    assert first.body == second.body
    assert first.max_redirects == 0


@pytest.mark.parametrize("kind", [kind for kind in HTTP if kind != "webhook"])
def test_a_group_is_told_by_every_service(kind: str) -> None:
    body = unquote_plus(request(kind, group(MOST_ITEMS, more=9_950)).body.decode())
    assert "Watch 0 and 9,999 others" in body.replace("\\", "")


@pytest.mark.parametrize("kind", HTTP)
@pytest.mark.parametrize("message", [WELL, TEST, replace(MESSAGE, rehearsal=True)])
def test_every_message_can_be_laid_out(kind: str, message: Message) -> None:
    assert request(kind, message).url.startswith("https://")


@pytest.mark.parametrize("kind", HTTP)
def test_somebody_s_own_words_are_told_by_every_service(kind: str) -> None:
    noted = replace(MESSAGE, note=Note("Rows copied", "12 rows\n\nin 3 s"))
    sent = unquote_plus(request(kind, noted).body.decode())
    assert all(words in sent for words in ("Rows copied", "12 rows", "in 3 s"))
