"""No message has a field that its service does not document, lacks one, or has it of another kind.

A shape is an object with these members ("name?" may be missing), a list of one shape, a tuple of
shapes of which one fits, a set of values, a type (text of which is never empty) or a test.
"""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from dogwatch.core.alerts import Event
from dogwatch.core.message import MOST_ITEMS, Message, Note
from dogwatch.notify import CHANNELS
from dogwatch.notify.http_channel import HttpChannel
from tests.harness.messages import MESSAGE, RECOVERY, group, told
from tests.notify.test_injection import Tags
from tests.notify.test_payloads import ACK, request

Shape = Any
FULL = replace(
    told(output_tail="one\ntwo", duration_ms=7, changes=3),
    also_down=("Mail", "Web"), also_down_count=12, ack_url=ACK,
)  # fmt: skip
MESSAGES: dict[str, Message] = {
    "down": FULL,
    "bare": told(tags=(), reason="", expected_at=None, last_ok_at=None),
    "recovered": told(**RECOVERY),
    "slow": told(event=Event.DEGRADED, status="degraded"),
    "late": told(event=Event.LATE),
    "test": told(event=Event.TEST, slug="", name="Test message"),
    "rehearsal": replace(MESSAGE, rehearsal=True),
    "group": replace(group(MOST_ITEMS, more=9_950), ack_url=ACK),
    "note": replace(told(event=Event.NOTE), note=Note("Done", "one\n\ntwo")),
}


def fault(value: Any, shape: Shape, at: str = "$") -> str:
    """Return where a value is not of its shape, or nothing."""
    if isinstance(shape, dict):
        return _fault_of_object(value, shape, at)
    if isinstance(shape, list):
        if not isinstance(value, list) or not value:
            return f"{at} is no list of some"
        faults = (fault(one, shape[0], f"{at}[{n}]") for n, one in enumerate(value))
        return next(filter(None, faults), "")
    if isinstance(shape, tuple):
        either = [fault(value, one, at) for one in shape]
        return "" if "" in either else " or ".join(either)
    return "" if _fits(value, shape) else f"{at}: {value!r:.80}"


def _fault_of_object(value: Any, shape: dict[str, Shape], at: str) -> str:
    if not isinstance(value, dict):
        return f"{at} is no object"
    known = {name.rstrip("?"): name for name in shape}
    if unknown := value.keys() - known.keys():
        return f"{at} has {unknown}"
    if lacks := {name for name in shape if not name.endswith("?")} - value.keys():
        return f"{at} lacks {lacks}"
    faults = (fault(one, shape[known[name]], f"{at}.{name}") for name, one in value.items())
    return next(filter(None, faults), "")


def _fits(value: Any, shape: Shape) -> bool:
    if isinstance(shape, set):
        return value in shape
    if isinstance(shape, type):
        return type(value) is shape and value != ""
    return value is None if shape is None else bool(shape(value))


def url(value: Any) -> bool:
    return isinstance(value, str) and urlsplit(value).scheme == "https" and " " not in value


def time(value: Any) -> bool:
    return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None


def within(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and low <= value <= high


def matches(pattern: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and bool(re.fullmatch(pattern, value))


def some_or_none(shape: Shape) -> Callable[[Any], bool]:
    return lambda value: value == [] or not fault(value, [shape])


def markup(*tags: str) -> Callable[[Any], bool]:
    """Have some HTML hold these tags alone, and some text."""
    return lambda value: (read := Tags(value)).tags <= set(tags) and bool(read.text.strip())


TEXT = {"type": {"text"}, "text": str, "style?": {"bold": bool}}
LINK = {"type": {"link"}, "url": url, "text?": str}
SECTION = {"type": {"rich_text_section"}, "elements": [(TEXT, LINK)]}
RICH = (
    SECTION,
    {"type": {"rich_text_list"}, "style": {"bullet", "ordered"}, "elements": [SECTION]},
    {"type": {"rich_text_preformatted"}, "elements": [(TEXT, LINK)]},
)
RUN = {
    "type": {"TextRun"}, "text": str,
    "size?": {"default", "small", "medium", "large", "extraLarge"},
    "weight?": {"default", "lighter", "bolder"},
    "color?": {"default", "dark", "light", "accent", "good", "warning", "attention"},
    "fontType?": {"default", "monospace"},
}  # fmt: skip
CARD = {
    "$schema": {"http://adaptivecards.io/schemas/adaptive-card.json"},
    "type": {"AdaptiveCard"}, "version": {"1.4"}, "msteams": {"width": {"Full"}},
    "body": [{"type": {"RichTextBlock"}, "spacing": {"none"}, "inlines": [RUN]}],
    "actions": [{"type": {"Action.OpenUrl"}, "title": str, "url": url}],
}  # fmt: skip

SHAPES: dict[str, Shape] = {
    # docs.slack.dev/reference/block-kit/blocks/rich-text-block, .../methods/chat.postMessage
    "slack": {
        "text": str, "mrkdwn": bool, "unfurl_links": bool, "unfurl_media": bool,
        "blocks": [{"type": {"rich_text"}, "elements": [RICH]}],
    },
    # docs.discord.com/developers/resources/webhook#execute-webhook, .../message#embed-object
    "discord": {
        "username": str,
        "embeds": [{
            "title": str, "url": url, "description?": str, "color": within(0, 0xFFFFFF),
            "timestamp": time,
            "fields": some_or_none({"name": str, "value": str, "inline": bool}),
        }],
        "allowed_mentions": {"parse": lambda value: value == []},
    },
    # core.telegram.org/bots/api#sendmessage, #html-style
    "telegram": {
        "chat_id": (int, str), "text": markup("b", "a", "pre"), "parse_mode": {"HTML"},
        "link_preview_options": {"is_disabled": bool}, "disable_notification": bool,
    },
    # learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using,
    # adaptivecards.io/explorer/TextRun.html
    "teams": {
        "type": {"message"},
        "attachments": [{
            "contentType": {"application/vnd.microsoft.card.adaptive"}, "contentUrl": None,
            "content": CARD,
        }],
    },
    # docs.ntfy.sh/publish/#publish-as-json
    "ntfy": {
        "topic": matches("[-_A-Za-z0-9]{1,64}"), "title": str, "message": str,
        "priority": within(1, 5), "tags": [str], "click": url, "markdown": bool,
    },
    # pushover.net/api#messages, #priority
    "pushover": (
        {
            "token": matches("[A-Za-z0-9]{30}"), "user": matches("[A-Za-z0-9]{30}"),
            "title": str, "message": str, "timestamp": int, "url?": url, "url_title?": str,
            "priority": within(-2, 1),
        },
        {
            "token": str, "user": str, "title": str, "message": str, "timestamp": int,
            "url?": url, "url_title?": str, "priority": {2},
            "retry": within(30, 10_800), "expire": within(30, 10_800),
        },
    ),
    # developer.pagerduty.com/docs/send-alert-event
    "pagerduty": (
        {
            "routing_key": matches("[A-Za-z0-9]{32}"), "event_action": {"trigger"},
            "dedup_key": str, "client": str, "client_url": url,
            "links": [{"href": url, "text": str}],
            "payload": {
                "summary": str, "source": str, "timestamp": time, "group?": str, "class": str,
                "severity": {"critical", "error", "warning", "info"},
                "custom_details": lambda value: set(map(type, value.values())) == {str},
            },
        },
        {"routing_key": str, "event_action": {"resolve"}, "dedup_key": str},
    ),
    # docs.opsgenie.com/docs/alert-api#create-alert, #close-alert
    "opsgenie": (
        {
            "message": str, "alias": str, "description": str, "source": str,
            "entity": lambda value: isinstance(value, str),
            "tags": lambda value: isinstance(value, list) and all(value),
            "details": lambda value: set(map(type, value.values())) == {str},
            "priority": {"P1", "P2", "P3", "P4", "P5"},
        },
        {"source": str, "note": str},
    ),
    # spec.matrix.org/latest/client-server-api/#mtext, #mroommessage-msgtypes for the tags
    "matrix": {
        "msgtype": {"m.text"}, "body": str, "format": {"org.matrix.custom.html"},
        "formatted_body": markup("strong", "br", "ul", "li", "a", "pre", "code"),
        "m.mentions": lambda value: value == {},
    },
    # developers.mattermost.com/integrate/reference/message-attachments
    "mattermost": {
        "username": str,
        "attachments": [{
            "fallback": str, "color": matches("#[0-9a-f]{6}"), "title": str, "title_link": url,
            "text": lambda value: isinstance(value, str),
            "fields": some_or_none({"title": str, "value": str, "short": bool}),
        }],
    },
    # twilio.com/docs/messaging/api/message-resource#create-a-message-resource
    "sms": {
        "To": matches(r"\+[1-9]\d{6,14}"), "From": matches(r"\+[1-9]\d{6,14}"), "Body": str,
    },
}  # fmt: skip
KINDS = sorted(
    kind for kind, one in CHANNELS.items() if isinstance(one, HttpChannel) and kind != "webhook"
)


@cache
def body(kind: str, name: str, **settings: str) -> Any:
    """Return what a service is sent of a message."""
    sent = request(kind, MESSAGES[name], **settings).body.decode()
    form = {key: one for key, (one,) in parse_qs(sent).items()} if kind == "sms" else None
    return form or json.loads(sent)


def test_every_service_has_a_shape() -> None:
    assert sorted(SHAPES) == KINDS


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_each_message_is_of_the_documented_shape(kind: str, name: str) -> None:
    assert fault(body(kind, name), SHAPES[kind]) == ""


def test_an_emergency_says_how_often_it_is_repeated() -> None:
    assert fault(body("pushover", "down", priority="emergency"), SHAPES["pushover"]) == ""


STRANGE = [
    ({"a": 1}, {"a": int}, ""),
    ({"a": 1, "b": 2}, {"a": int}, "$ has {'b'}"),
    ({}, {"a": int, "b?": int}, "$ lacks {'a'}"),
    ({"a": ["x", ""]}, {"a": [str]}, "$.a[1]: ''"),
    ([], [str], "$ is no list of some"),
    (True, int, "$: True"),
    (2, ({1}, {3}), "$: 2 or $: 2"),
]


@pytest.mark.parametrize(("value", "shape", "found"), STRANGE)
def test_what_does_not_fit_is_found(value: Any, shape: Shape, found: str) -> None:
    assert fault(value, shape) == found
