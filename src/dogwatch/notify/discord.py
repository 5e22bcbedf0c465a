"""Discord by a webhook (discord.com/developers, "Execute Webhook", "Embed Limits")."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from dogwatch.core.alerts import Event
from dogwatch.core.instants import iso
from dogwatch.core.message import Message, words
from dogwatch.core.plain import cut, utf16
from dogwatch.egress import Request
from dogwatch.notify.fields import Field, webhook_of
from dogwatch.notify.http_channel import HttpChannel, post
from dogwatch.notify.markdown import fenced, fitting, linked

Json = dict[str, Any]
TITLE, DESCRIPTION, VALUE = 256, 3000, 700
COLORS = {
    Event.DOWN: 0xC4314B,
    Event.RECOVERED: 0x2E8B57,
    Event.TEST: 0x4A6FA5,
    Event.NOTE: 0x4A6FA5,
}
_WARNING = 0xD9A406


class DiscordChannel(HttpChannel):
    """Settings: `url`, the webhook's own address, which is its secret."""

    __slots__ = ()
    kind: ClassVar[str] = "discord"
    label: ClassVar[str] = "Discord"
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            "url",
            "The Webhook URL: the channel's settings → Integrations → Webhooks → Copy.",
            webhook_of(
                ("discord.com", "discordapp.com", ".discord.com"),
                r"/api/(v\d+/)?webhooks/\d+/.",
                "give the webhook's address, https://discord.com/api/webhooks/…",
            ),
            "https://discord.com/api/webhooks/1/xxxx",
            secret=True,
        ),
    )
    hints: ClassVar[Mapping[str, str]] = {
        "unknown webhook": "the webhook was removed; make a new one",
        "invalid webhook token": "the webhook's address is not complete; copy it again",
    }

    def request(self, settings: Mapping[str, Any], message: Message, at: datetime) -> Request:
        """Return the request of one attempt; with `wait`, Discord answers once it is posted."""
        del at
        url = str(settings["url"])
        return post(f"{url}{'&' if '?' in url else '?'}wait=true", payload(message), message)


def payload(message: Message) -> Json:
    """Return the body: one embed that mentions nobody."""
    told = words(message)
    facts = [
        {"name": label, "value": fitting(value, VALUE, utf16), "inline": len(value) < 40}
        for label, value in told.facts
    ]
    facts += [{"name": label, "value": linked(url), "inline": False} for label, url in told.answers]
    lines = [fitting(line, VALUE, utf16) for line in (*told.notes, *told.members)]
    output = [fenced(told.output)] if told.output else []
    description = cut("\n".join([*lines, *output]), DESCRIPTION, utf16)
    embed = {
        "title": fitting(told.title, TITLE, utf16),
        "url": told.url,
        **({"description": description} if description else {}),
        "color": COLORS.get(message.event, _WARNING),
        "fields": facts,
        "timestamp": iso(message.first.since_at),
    }
    return {"username": "Dogwatch", "embeds": [embed], "allowed_mentions": {"parse": []}}
