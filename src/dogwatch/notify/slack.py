"""Slack by an incoming webhook (docs.slack.dev, "Sending messages using incoming webhooks").

Facts are elements of a `rich_text` block, which has no markup: nothing in them is read as a
mention or a link.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from dogwatch.core.message import Message, Words, words
from dogwatch.core.plain import cut, cut_lines
from dogwatch.egress import Request
from dogwatch.notify.fields import Field, webhook_of
from dogwatch.notify.http_channel import HttpChannel, post

Json = dict[str, Any]
_SUMMARY_LENGTH = 300
# Of a section with its title; what Block Kit takes of text at once is 3,000.
NOTES = 2000


class SlackChannel(HttpChannel):
    """Settings: `url`, the webhook's own address, which is its secret."""

    __slots__ = ()
    kind: ClassVar[str] = "slack"
    label: ClassVar[str] = "Slack"
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            "url",
            "The Webhook URL: api.slack.com/apps → your app → Incoming Webhooks.",
            webhook_of(
                ("hooks.slack.com", "hooks.slack-gov.com"),
                r"/services/.",
                # A workflow's trigger takes flat texts alone (docs.slack.dev, "Webhook triggers").
                "give an incoming webhook's address, https://hooks.slack.com/services/…; "
                "a workflow's (/triggers/, /workflows/) takes no such messages",
            ),
            "https://hooks.slack.com/services/T000/B000/xxxx",
            secret=True,
        ),
    )
    hints: ClassVar[Mapping[str, str]] = {
        "no_service": "the webhook was removed or switched off; make a new one",
        "no_team": "the Slack workspace is gone",
        "no_active_hooks": "the app's webhooks are switched off",
        "invalid_token": "the webhook's address is not complete; copy it again",
        "channel_not_found": "its channel is gone; make a new webhook",
        "channel_is_archived": "its channel is archived",
        "action_prohibited": "an admin of the Slack workspace forbids it",
        "posting_to_general_channel_denied": "only admins may post in that channel",
        "user_not_found": "whoever made the webhook left; make a new one",
    }

    def request(self, settings: Mapping[str, Any], message: Message, at: datetime) -> Request:
        """Return the request of one attempt."""
        del at
        return post(str(settings["url"]), payload(message), message)


def payload(message: Message) -> Json:
    """Return the body: `text` for notifications, blocks for reading."""
    told = words(message)
    return {
        "text": _escaped(cut(told.title, _SUMMARY_LENGTH)),
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": [{"type": "rich_text", "elements": list(_elements(told))}],
    }


def _elements(told: Words) -> Iterator[Json]:
    facts = [[_text(f"{label}: ", bold=True), _text(value)] for label, value in told.facts]
    links = [[{"type": "link", "url": url, "text": label}] for label, url in told.links]
    title = [
        [_text(told.title, bold=True)],
        *([_text(note)] for note in cut_lines(told.notes, NOTES)),
    ]
    if told.members:
        yield _section(title)
        lines = [_section([[_text(member)]]) for member in told.members]
        yield {"type": "rich_text_list", "style": "bullet", "elements": lines}
        yield _section([*facts, *links])
    else:
        yield _section([*title, *facts, *links])
    if told.output:
        yield {"type": "rich_text_preformatted", "elements": [_text(told.output)]}


def _section(lines: Sequence[Sequence[Json]]) -> Json:
    """Return a paragraph of lines."""
    first, *others = lines
    elements = [*first, *(one for line in others for one in (_text("\n"), *line))]
    return {"type": "rich_text_section", "elements": elements}


def _text(value: str, *, bold: bool = False) -> Json:
    return {"type": "text", "text": value} | ({"style": {"bold": True}} if bold else {})


def _escaped(value: str) -> str:
    """Escape Slack's three control characters; without `<` there is no mention and no link."""
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
