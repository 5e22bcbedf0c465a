"""Mattermost by an incoming webhook (developers.mattermost.com, "Incoming webhooks")."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from dogwatch.core.alerts import Event
from dogwatch.core.message import Message, Words, words
from dogwatch.core.plain import cut, cut_lines
from dogwatch.egress import Request
from dogwatch.notify.fields import Field, address
from dogwatch.notify.http_channel import HttpChannel, post
from dogwatch.notify.markdown import escaped, fenced, fitting, linked, parted

Json = dict[str, Any]
# A post's properties, of which an attachment is one, may be 7,600 characters of JSON up to server
# 5.x (model/post.go, POST_PROPS_MAX_USER_RUNES; 760,000 since), with some that the server adds.
# What is longer is refused where its text is not long enough to be cut.
PROPS, VALUE, LEAST = 7200, 600, 100
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


def payload(message: Message) -> Json:
    """Return the body: one attachment, its words escaped, mentions parted."""
    told = words(message)
    title = fitting(told.title, VALUE, size)
    attachment: Json = {
        "fallback": title,
        "color": _COLORS.get(message.event, "#d9a406"),
        "title": title,
        "title_link": told.url,
        "fields": list(_fields(told)),
        "text": "",
    }
    attachment["text"] = _text(told, PROPS - size(attachment))
    return {"username": "Dogwatch", "attachments": [attachment]}


def size(value: Any) -> int:
    """Return how long the JSON of a value is as Go writes it, where <, > and & take six places."""
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return len(written) + 5 * sum(map(written.count, "<>&"))


def _fields(told: Words) -> Iterator[Json]:
    for label, value in told.facts:
        yield {"title": label, "value": fitting(value, VALUE, size), "short": len(value) < 40}
    for label, url in told.answers:
        yield {"title": label, "value": linked(url), "short": False}


def _text(told: Words, room: int) -> str:
    """Return notes and members, then as much of the output as there is room for."""
    lines = [*told.notes, *(f"• {member}" for member in told.members)]
    fitted = cut_lines(lines, room, lambda line: size(escaped(line)))
    kept = [escaped(line) for line in fitted]
    room -= size("\n".join(kept))
    if told.output and room > LEAST:
        output = cut(told.output, room - LEAST, lambda part: size(fenced(parted(part))))
        kept.append(fenced(parted(output)))
    return "\n".join(kept)
