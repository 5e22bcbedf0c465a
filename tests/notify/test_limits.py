"""What each service takes at most, by its own published limits, against the longest messages."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any
from urllib.parse import parse_qs

import pytest

from dogwatch.core.message import MOST_ITEMS, Message, Note
from dogwatch.core.plain import utf8, utf16
from dogwatch.notify import mattermost
from tests.harness.messages import MESSAGE
from tests.notify.test_injection import Tags, of_type
from tests.notify.test_payloads import ACK, request

Measure = Callable[[Any], int]


def longest(character: str) -> list[Message]:
    """Return the longest messages there can be of one character: of one watch, of many, a note."""
    words = character * 600
    item = replace(
        MESSAGE.first, name=words, reason=words, tags=(words,) * 21, output_tail=words * 2,
        slug="s" * 64, duration_ms=1, down_for_s=1.0, changes=9_999,
    )  # fmt: skip
    one = replace(
        MESSAGE, items=(item,), workspace=words, also_down=(words,) * 5, also_down_count=10_000,
        ack_url=ACK,
    )  # fmt: skip
    opening = replace(item, down_for_s=None)  # which tells its reason
    note = Note(words, (character * 99 + "\n") * 160)
    groups = [replace(one, items=(each,) * MOST_ITEMS, more=9_980) for each in (item, opening)]
    return [one, *groups, replace(one, note=note)]


@cache
def bodies(kind: str, character: str) -> list[Any]:
    """Return what a service is sent of them."""
    sent = [request(kind, message).body.decode() for message in longest(character)]
    return [parse_qs(one) if kind == "sms" else json.loads(one) for one in sent]


def written(body: Any) -> int:
    """Return the bytes of some JSON."""
    return len(json.dumps(body, ensure_ascii=False).encode())


def embed(body: Any) -> Any:
    (found,) = body["embeds"]
    return found


def values_of_embed(body: Any) -> list[int]:
    return [utf16(one["value"]) for one in embed(body)["fields"]]


def of_embed(body: Any) -> int:
    fields = embed(body)["fields"]
    texts = [embed(body)["title"], embed(body).get("description", "")]
    return sum(map(utf16, texts)) + sum(utf16(one["name"] + one["value"]) for one in fields)


def texts_of_slack(body: Any) -> int:
    return max(
        sum(len(text["text"]) for text in of_type(section, "text"))
        for section in of_type(body, "rich_text_section")
    )


LIMITS: list[tuple[str, Measure, int, str]] = [
    ("slack", lambda body: len(body["text"]), 4_000, "docs.slack.dev, chat.postMessage: text"),
    ("slack", lambda body: len(body["blocks"]), 50, "docs.slack.dev, Block Kit: blocks"),
    ("slack", texts_of_slack, 3_000, "docs.slack.dev, Block Kit: text object"),
    ("discord", lambda body: utf16(embed(body)["title"]), 256, "discord.com, Embed Limits"),
    ("discord", lambda body: utf16(embed(body).get("description", "")), 4_096, "Embed Limits"),
    ("discord", lambda body: len(embed(body)["fields"]), 25, "Embed Limits"),
    ("discord", lambda body: max(values_of_embed(body), default=0), 1_024,
     "Embed Limits"),
    ("discord", of_embed, 6_000, "Embed Limits: all texts of all embeds"),
    ("telegram", lambda body: utf16(Tags(body["text"]).text), 4_096,
     "core.telegram.org/bots/api, sendMessage: text, after entities parsing"),
    ("teams", written, 28 * 1024, "learn.microsoft.com, Incoming Webhooks: message size"),
    ("ntfy", lambda body: utf8(body["message"]), 4_096, "docs.ntfy.sh/publish, Limitations"),
    ("pushover", lambda body: len(body["message"]), 1_024, "pushover.net/api, Limitations"),
    ("pushover", lambda body: len(body["title"]), 250, "pushover.net/api, Limitations"),
    ("pushover", lambda body: len(body["url"]), 512, "pushover.net/api, Supplementary URLs"),
    ("pushover", lambda body: len(body["url_title"]), 100, "pushover.net/api, Supplementary URLs"),
    ("pagerduty", lambda body: len(body["payload"]["summary"]), 1_024,
     "developer.pagerduty.com, PD-CEF: summary"),
    ("pagerduty", lambda body: len(body["dedup_key"]), 255,
     "developer.pagerduty.com, Send an Alert Event: dedup_key"),
    ("pagerduty", written, 512 * 1024, "developer.pagerduty.com, Events API v2: size"),
    ("opsgenie", lambda body: len(body["message"]), 130, "docs.opsgenie.com, Create Alert"),
    ("opsgenie", lambda body: len(body["alias"]), 512, "Create Alert"),
    ("opsgenie", lambda body: len(body["description"]), 15_000, "Create Alert"),
    ("opsgenie", lambda body: len(body["tags"]), 20, "Create Alert"),
    ("opsgenie", lambda body: max(map(len, body["tags"]), default=0), 50, "Create Alert"),
    ("opsgenie", lambda body: sum(map(len, (*body["details"], *body["details"].values()))), 8_000,
     "Create Alert: details, in all"),
    ("opsgenie", lambda body: len(body["entity"]), 512, "Create Alert"),
    ("opsgenie", lambda body: len(body["source"]), 100, "Create Alert"),
    ("matrix", written, 65_536 - 2_048, "spec.matrix.org, Size limits, less what servers add"),
    ("mattermost", lambda body: mattermost.size({"attachments": body["attachments"]}),
     8_000 - 400 - 300, "mattermost model/post.go: POST_PROPS_MAX_USER_RUNES, less its own"),
    ("sms", lambda body: utf16(body["Body"][0]), 1_600, "twilio.com, Message resource: Body"),
]  # fmt: skip


@pytest.mark.parametrize("character", ["x", "&", "👩", "\\"])
@pytest.mark.parametrize(("kind", "measure", "most", "source"), LIMITS)
def test_no_message_is_longer_than_a_service_takes(
    kind: str, measure: Measure, most: int, source: str, character: str
) -> None:
    for body in bodies(kind, character):
        assert measure(body) <= most, source
