"""Matrix (spec.matrix.org, client-server API: m.room.message, m.mentions)."""

import html
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote

from dogwatch.core.message import Message, Words, body, words
from dogwatch.core.plain import cut_lines
from dogwatch.egress import Request
from dogwatch.notify.fields import Field, matching, server
from dogwatch.notify.http_channel import HttpChannel, post

# An event has at most 65,536 bytes (spec.matrix.org, "Size limits"), and ours says all twice.
BODY, NOTES = 5000, 4000
_BREAK = "\u2060"


class MatrixChannel(HttpChannel):
    """Settings: `server_url`, `room`, and `access_token` (sealed)."""

    __slots__ = ()
    kind: ClassVar[str] = "matrix"
    label: ClassVar[str] = "Matrix"
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            "server_url",
            "The homeserver's address.",
            server,
            "https://matrix.example.org",
            address=True,
        ),
        Field(
            "room",
            "The room's id: its settings → Advanced → Internal room ID. Invite the bot to it.",
            matching(r"![^\s/?#%]{1,254}", "give the room's id, !…, not its #name"),
            "!opaqueid:example.org",
        ),
        Field(
            "access_token",
            "The bot's token: its settings → Help & About → Access Token.",
            matching(r"[!-~]{8,2000}", "give the access token"),
            "syt_ZG9nd2F0Y2g_xxxxxxxxxxxxxxxx_000000",
            secret=True,
        ),
    )
    hints: ClassVar[Mapping[str, str]] = {
        "m_unknown_token": "the access token is wrong or was withdrawn",
        "m_forbidden": "invite the bot to the room and let it join",
        "m_unrecognized": "there is no Matrix homeserver at this address",
        "404": "there is no Matrix homeserver at this address",
    }

    def request(self, settings: Mapping[str, Any], message: Message, at: datetime) -> Request:
        """Return the request of one attempt; the transaction id makes repeats one message."""
        del at
        room, transaction = quote(settings["room"], safe=""), quote(message.delivery_id, safe="")
        url = (
            f"{settings['server_url'].rstrip('/')}/_matrix/client/v3/rooms/{room}"
            f"/send/m.room.message/{transaction}"
        )
        token = f"Bearer {settings['access_token']}"
        return replace(post(url, payload(message), message, authorization=token), method="PUT")


def payload(message: Message) -> dict[str, Any]:
    """Return the event's content, which mentions nobody."""
    told = words(message)
    told = replace(told, notes=tuple(cut_lines(told.notes, NOTES)))
    return {
        "msgtype": "m.text",
        "body": _parted(f"{told.title}\n\n{body(message, BODY)}"),
        "format": "org.matrix.custom.html",
        "formatted_body": "".join(_html(told)),
        "m.mentions": {},
    }


def _html(told: Words) -> Iterator[str]:
    yield f"<strong>{_escaped(told.title)}</strong><br>"
    yield from (f"{_escaped(note)}<br>" for note in told.notes)
    if told.members:
        lines = "".join(f"<li>{_escaped(member)}</li>" for member in told.members)
        yield f"<ul>{lines}</ul>"
    yield from (f"{label}: {_escaped(value)}<br>" for label, value in told.facts)
    links = (f'<a href="{html.escape(url)}">{label}</a>' for label, url in told.links)
    yield "<br>".join(links)
    if told.output:
        yield f"<pre><code>{_escaped(told.output)}</code></pre>"


def _escaped(value: str) -> str:
    return html.escape(_parted(value))


def _parted(value: str) -> str:
    """Part the names that clients without `m.mentions` would look for, such as @room."""
    return value.replace("@", f"@{_BREAK}")
