"""Microsoft Teams by a Workflows webhook that takes an Adaptive Card.

Facts are `TextRun`s, in which Markdown is not read (adaptivecards.io, TextRun); a card mentions
people only by entities, and ours has none.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar

from dogwatch.core.alerts import Event, Verdict
from dogwatch.core.data import replace
from dogwatch.core.message import Message, Words, words
from dogwatch.core.plain import cut, cut_lines
from dogwatch.egress import Request, Response
from dogwatch.notify.fields import Field, webhook_of
from dogwatch.notify.http_channel import HttpChannel, encoded, post, verdict_of_service

Json = dict[str, Any]
NOTES, MOST_NOTES = 3000, 60
# All lines of a group, in bytes of JSON.
MEMBERS = 10_000
# Without a charset, an Office connector counts two bytes a character.
_TYPE = "application/json; charset=utf-8"
# learn.microsoft.com, "Rate limiting for Connectors": "Webhook message delivery failed with …".
_REFUSED = re.compile(rb"returned HTTP error (\d{3})")
_COLORS = {
    Event.DOWN: "attention",
    Event.RECOVERED: "good",
    Event.TEST: "accent",
    Event.NOTE: "accent",
}


class TeamsChannel(HttpChannel):
    """Settings: `url`, the workflow's own address, which is its secret."""

    __slots__ = ()
    kind: ClassVar[str] = "teams"
    label: ClassVar[str] = "Microsoft Teams"
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            "url",
            "The channel's menu → Workflows → “Send webhook alerts to a channel” → the address.",
            webhook_of(
                (".logic.azure.com", ".powerplatform.com", ".powerautomate.com", ".office.com"),
                r"/.",
                "give the workflow's address, https://….powerplatform.com/… or ….logic.azure.com/…",
            ),
            "https://prod-1.westeurope.logic.azure.com/workflows/x/triggers/manual/paths/invoke?sig=xxxx",
            secret=True,
        ),
    )
    hints: ClassVar[Mapping[str, str]] = {
        "workflownotfound": "the workflow was removed; make a new one",
        "triggernotfound": "the workflow was changed; copy its address again",
        "directapiauthorizationrequired": "let anyone trigger the workflow: its trigger's settings",
        "workflowdisabled": "the workflow is switched off",
        "authorization": "the address is not complete (its sig is missing); copy it again",
    }

    def request(self, settings: Mapping[str, Any], message: Message, at: datetime) -> Request:
        """Return the request of one attempt."""
        del at
        made = post(str(settings["url"]), payload(message), message)
        return replace(made, headers=(("content-type", _TYPE), *made.headers[1:]))

    def verdict(self, answer: Response) -> Verdict:
        """Judge an answer: an Office connector refuses with 200, the true status in its words."""
        verdict = verdict_of_service(answer.status_code)
        refused = _REFUSED.search(answer.body) if verdict is Verdict.SENT else None
        return verdict_of_service(int(refused[1])) if refused else verdict


def payload(message: Message) -> Json:
    """Return the body: one card, far below the 28 KB that Teams takes."""
    told = words(message)
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": list(_body(told, _COLORS.get(message.event, "warning"))),
        "actions": [
            {"type": "Action.OpenUrl", "title": label, "url": url} for label, url in told.links
        ],
    }
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "attachments": [attachment]}


def _body(told: Words, color: str) -> Iterator[Json]:
    yield _line(_run(told.title, size="medium", weight="bolder", color=color))
    yield from (_line(_run(note)) for note in cut_lines(told.notes[:MOST_NOTES], NOTES))
    each = MEMBERS // max(len(told.members), 1)
    yield from (_line(_run(f"• {cut(member, each, _written)}")) for member in told.members)
    for label, value in told.facts:
        yield _line(_run(f"{label}: ", weight="bolder"), _run(value))
    for line in told.output.split("\n") if told.output else ():
        yield _line(_run(line or " ", fontType="monospace"))


def _written(value: str) -> int:
    return len(encoded({"": value}))


def _line(*runs: Json) -> Json:
    return {"type": "RichTextBlock", "spacing": "none", "inlines": list(runs)}


def _run(text: str, **looks: str) -> Json:
    return {"type": "TextRun", "text": text, **looks}
