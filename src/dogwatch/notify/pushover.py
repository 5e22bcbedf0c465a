"""Pushover (pushover.net/api: "Limitations", "Response Format"); plain text."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from dogwatch.core.alerts import Verdict
from dogwatch.core.message import Message, body, words
from dogwatch.core.plain import cut
from dogwatch.egress import Request, Response
from dogwatch.notify.fields import Field, matching, one_of
from dogwatch.notify.http_channel import HttpChannel, json_of, post, verdict_of_service

API = "https://api.pushover.net"
TITLE, BODY, URL = 250, 1024, 512
PRIORITIES = {"low": -1, "normal": 0, "high": 1, "emergency": 2}
# An emergency is repeated every minute, for an hour at most, until it is acknowledged.
_EMERGENCY = {"retry": 60, "expire": 3600}
_key = matching(r"[A-Za-z0-9]{30}", "give 30 letters and digits")


class PushoverChannel(HttpChannel):
    """Settings: `token` and `user` (both sealed), `priority` of what is down."""

    __slots__ = ()
    kind: ClassVar[str] = "pushover"
    label: ClassVar[str] = "Pushover"
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            "token",
            "The API token of an application: pushover.net/apps/build.",
            _key,
            "azGDORePK8gMaC0QOYAMyEEuzJnyUi",
            secret=True,
        ),
        Field(
            "user",
            "Your user key, at the top of pushover.net, or a group's key.",
            _key,
            "uQiRzpo4DXghDmr9QzzfQu27cmVRsG",
            secret=True,
        ),
        Field(
            "priority",
            "How loud it is when something is down.",
            one_of(*PRIORITIES),
            "high",
            default="high",
            choices=tuple(PRIORITIES),
        ),
    )
    hints: ClassVar[Mapping[str, str]] = {
        "application token is invalid": "check token: the application's, not yours",
        "user key is invalid": "check user: your own key, not the application's",
        "user identifier is invalid": "check user: it has no active device",
        "429": "this month's messages are used up",
    }

    def request(self, settings: Mapping[str, Any], message: Message, at: datetime) -> Request:
        """Return the request of one attempt."""
        del at
        return post(f"{self.base or API}/1/messages.json", payload(message, settings), message)

    def verdict(self, answer: Response) -> Verdict:
        """Judge an answer: a message that was taken has `status` 1."""
        verdict = verdict_of_service(answer.status_code)
        body = json_of(answer)
        refused = verdict is Verdict.SENT and not (
            isinstance(body, dict) and body.get("status") == 1
        )
        return Verdict.RETRY if refused else verdict


def payload(message: Message, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body; what is well again is said at normal priority."""
    told = words(message)
    down = message.event == "down"
    priority = PRIORITIES[settings.get("priority") or "high"] if down else 0
    made = {
        "token": settings["token"],
        "user": settings["user"],
        "title": cut(told.title, TITLE),
        "message": body(message, BODY),
        "priority": priority,
        "timestamp": int(message.first.since_at.timestamp()),
    }
    link = {"url": told.url, "url_title": "Open in Dogwatch"} if len(told.url) <= URL else {}
    return made | link | (_EMERGENCY if priority == PRIORITIES["emergency"] else {})
