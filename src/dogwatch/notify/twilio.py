"""SMS by Twilio (twilio.com/docs/messaging/api/message-resource); plain text, a few segments."""

import base64
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlencode

from dogwatch.core.message import Message, words
from dogwatch.core.plain import cut, utf16
from dogwatch.egress import Request
from dogwatch.notify.fields import Field, matching
from dogwatch.notify.http_channel import HttpChannel, post

API = "https://api.twilio.com"
# Three segments of UCS-2; Twilio takes 1,600 characters, and bills each segment.
LENGTH = 201
_number = matching(r"\+[1-9]\d{6,14}", "give a number with its country, such as +48123456789")


class TwilioChannel(HttpChannel):
    """Settings: `account_sid`, `auth_token` (sealed), `from`, `to`."""

    __slots__ = ()
    kind: ClassVar[str] = "sms"
    label: ClassVar[str] = "Twilio"
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            "account_sid",
            "The Account SID: console.twilio.com → Account Info.",
            matching(r"AC[0-9a-fA-F]{32}", "give the account's SID, AC and 32 digits"),
            "AC" + "0" * 32,
        ),
        Field(
            "auth_token",
            "The Auth Token beside it.",
            matching(r"[0-9a-fA-F]{32}", "give the 32 digits of the auth token"),
            "0" * 32,
            secret=True,
        ),
        Field(
            "from",
            "Your number at Twilio, or a Messaging Service SID (MG…).",
            matching(
                r"\+[1-9]\d{6,14}|MG[0-9a-fA-F]{32}|\d{3,8}|[A-Za-z][A-Za-z0-9 ]{0,10}",
                "give a number such as +48123456789, or a messaging service, MG…",
            ),
            "+15005550006",
        ),
        Field("to", "The number that is told.", _number, "+48123456789"),
    )
    hints: ClassVar[Mapping[str, str]] = {
        "20003": "check account_sid and auth_token",
        "20404": "check account_sid",
        "21211": "check the number in to",
        "21212": "check the number in from",
        "21408": "allow this country: Messaging → Settings → Geo permissions",
        "21606": "the number in from cannot send SMS, or is not yours",
        "21608": "a trial account reaches only numbers that you verified",
        "21610": "this person answered STOP; they can answer START",
        "21614": "the number in to takes no SMS",
        "authenticate": "check account_sid and auth_token",
    }

    def request(self, settings: Mapping[str, Any], message: Message, at: datetime) -> Request:
        """Return the request of one attempt."""
        del at
        sid = settings["account_sid"]
        pair = f"{sid}:{settings['auth_token']}".encode()
        authorization = f"Basic {base64.b64encode(pair).decode()}"
        url = f"{self.base or API}/2010-04-01/Accounts/{sid}/Messages.json"
        form = urlencode(payload(message, settings)).encode()
        made = post(url, {}, message, authorization=authorization)
        headers = [("content-type", "application/x-www-form-urlencoded"), *made.headers[1:]]
        return replace(made, headers=tuple(headers), body=form)


def payload(message: Message, settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the form: the facts that fit, and one link, always whole.

    Where something is to be acknowledged, that is its link: the page leads on to the incident.
    """
    told = words(message)
    facts = [f"{label}: {value}" for label, value in told.facts if label not in _TOO_LONG]
    lines = "\n".join([told.title, *told.notes, *told.members[:3], *facts])
    link = told.ack_url or told.url
    room = max(LENGTH - len(link) - 1, 60)
    sender = str(settings["from"])
    by = "MessagingServiceSid" if sender.startswith("MG") and len(sender) == 34 else "From"
    body = f"{cut(lines, room, utf16)}\n{link}"
    return {"To": str(settings["to"]), by: sender, "Body": body}


_TOO_LONG = frozenset({"Tags", "Workspace"})
