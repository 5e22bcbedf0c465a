"""ntfy, the public server or one's own (docs.ntfy.sh/publish, "Publish as JSON"); plain text."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from dogwatch.core.alerts import Event, Verdict
from dogwatch.core.data import replace
from dogwatch.core.message import Message, body, words
from dogwatch.core.plain import cut, utf8
from dogwatch.egress import Request, Response
from dogwatch.notify.fields import Field, matching, server
from dogwatch.notify.http_channel import HttpChannel, post

TITLE_BYTES, MESSAGE_BYTES = 250, 4000
PRIORITIES = {Event.DOWN: 4, Event.RECOVERED: 3, Event.TEST: 3}
_TAGS = {
    Event.DOWN: "rotating_light",
    Event.RECOVERED: "white_check_mark",
    Event.TEST: "wave",
    Event.NOTE: "speech_balloon",
}


class NtfyChannel(HttpChannel):
    """Settings: `server_url`, `topic` and, where it is protected, `token` (both sealed)."""

    __slots__ = ()
    kind: ClassVar[str] = "ntfy"
    label: ClassVar[str] = "ntfy"
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            "server_url",
            "The server's address, if it is your own.",
            server,
            "https://ntfy.example.org",
            default="https://ntfy.sh",
            address=True,
        ),
        Field(
            "topic",
            "The topic; on a public server whoever knows it can read along.",
            matching(r"[A-Za-z0-9_-]{1,64}", "give 1 to 64 letters, digits, _ or -"),
            "alerts-7f3k2p",
            secret=True,
        ),
        Field(
            "token",
            "For a protected topic: an access token, Account → Access tokens.",
            matching(r"tk_[A-Za-z0-9]{1,100}", "give an access token, tk_…"),
            "tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2",
            secret=True,
            optional=True,
        ),
    )
    hints: ClassVar[Mapping[str, str]] = {
        "401": "the token is wrong or was withdrawn",
        "403": "the topic is protected; give the token of a user who may write to it",
        "404": "there is no ntfy server at this address",
        "daily message quota": "the server takes no more today from this address",
    }

    def request(self, settings: Mapping[str, Any], message: Message, at: datetime) -> Request:
        """Return the request of one attempt."""
        del at
        token = settings.get("token")
        headers = {"authorization": f"Bearer {token}"} if token else {}
        made = payload(message, str(settings["topic"]))
        return post(f"{str(settings['server_url']).rstrip('/')}/", made, message, **headers)

    def told(self, answer: Response, verdict: Verdict, hidden: Sequence[str]) -> str:
        """Return the answer in words; to repeat the message that it took is no answer."""
        repeated = verdict is Verdict.SENT
        return super().told(replace(answer, body=b"") if repeated else answer, verdict, hidden)


def payload(message: Message, topic: str) -> dict[str, Any]:
    """Return the body; beyond 4,096 bytes ntfy would make a file of the message."""
    told = words(message)
    return {
        "topic": topic,
        "title": cut(told.title, TITLE_BYTES, utf8),
        "message": body(message, MESSAGE_BYTES, utf8),
        "priority": PRIORITIES.get(message.event, 3),
        "tags": [_TAGS.get(message.event, "warning")],
        "click": told.url,
        "markdown": False,
    }
