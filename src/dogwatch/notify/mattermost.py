"""Mattermost by an incoming webhook (developers.mattermost.com, "Incoming webhooks")."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from dogwatch.core.alerts import Event
from dogwatch.core.message import Message, words
from dogwatch.core.plain import cut
from dogwatch.egress import Request
from dogwatch.notify.fields import Field, address
from dogwatch.notify.http_channel import HttpChannel, post
from dogwatch.notify.markdown import escaped, fenced, parted

# All of an attachment may have 7,900 characters on older servers; its facts are short.
TEXT = 5000
_COLORS = {
    Event.DOWN: "#c4314b",
    Event.RECOVERED: "#2e8b57",
    Event.TEST: "#4a6fa5",
    Event.NOTE: "#4a6fa5",
}


def _hook(value: object) -> str | None:
    if fault := address(value):
        return fault
    good = "/hooks/" in urlsplit(str(value)).path
    return None if good else "give the webhook's address, https://your.server/hooks/…"


class MattermostChannel(HttpChannel):
    """Settings: `url`, the webhook's own address on any server, which is its secret."""

    __slots__ = ()
    kind: ClassVar[str] = "mattermost"
    label: ClassVar[str] = "Mattermost"
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            "url",
            "The webhook's address: Integrations → Incoming Webhooks → Add.",
            _hook,
            "https://chat.example.org/hooks/xxxx",
            secret=True,
            address=True,
        ),
    )
    hints: ClassVar[Mapping[str, str]] = {
        "invalid webhook": "the webhook was removed; make a new one",
        "couldn't find the channel": "its channel is gone",
        "incoming webhooks have been disabled": "an admin switched incoming webhooks off",
    }

    def request(self, settings: Mapping[str, Any], message: Message, at: datetime) -> Request:
        """Return the request of one attempt."""
        del at
        return post(str(settings["url"]), payload(message), message)


def payload(message: Message) -> dict[str, Any]:
    """Return the body: one attachment, its words escaped, mentions parted."""
    told = words(message)
    lines = [escaped(note) for note in told.notes]
    lines += [f"- {escaped(member)}" for member in told.members]
    lines += [fenced(parted(told.output))] if told.output else []
    fields = [
        {"title": label, "value": escaped(value), "short": len(value) < 40}
        for label, value in told.facts
    ]
    attachment = {
        "fallback": escaped(told.title),
        "color": _COLORS.get(message.event, "#d9a406"),
        "title": escaped(told.title),
        "title_link": told.url,
        "text": cut("\n".join(lines), TEXT),
        "fields": fields,
    }
    return {"username": "Dogwatch", "attachments": [attachment]}
