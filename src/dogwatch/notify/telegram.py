"""Telegram by a bot (core.telegram.org/bots/api, sendMessage, "HTML style")."""

import html
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from dogwatch.core.alerts import Event, Verdict
from dogwatch.core.message import Message, words
from dogwatch.core.plain import cut, cut_lines, utf16
from dogwatch.egress import Request, Response
from dogwatch.notify.fields import Field, matching
from dogwatch.notify.http_channel import HttpChannel, json_of, post, verdict_of_service

API = "https://api.telegram.org"
# Of a text of at most 4,096 with its title: what somebody has told, or the lines of a group.
NOTES = 3000
MEMBERS, MEMBER = 2400, 120
_BREAK = "\u2060"


class TelegramChannel(HttpChannel):
    """Settings: `bot_token` (sealed), `chat_id` and, in a forum, `topic_id`."""

    __slots__ = ()
    kind: ClassVar[str] = "telegram"
    label: ClassVar[str] = "Telegram"
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            "bot_token",
            "The bot's token: write /newbot to @BotFather.",
            matching(r"\d{3,20}:[\w-]{20,100}", "give the bot's token, such as 123456:ABC-DEF…"),
            "123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11",
            secret=True,
        ),
        Field(
            "chat_id",
            "The chat's id or @name: add the bot to it, then see api.telegram.org/bot…/getUpdates.",
            matching(r"-?\d{1,20}|@\w{4,64}", "give a number such as -1001234 or a @name"),
            "-1001234567890",
        ),
        Field(
            "topic_id",
            "In a group with topics: the topic's number, the last part of its link.",
            matching(r"\d{1,10}", "give a number in quotes"),
            "17",
            optional=True,
        ),
    )
    hints: ClassVar[Mapping[str, str]] = {
        "chat not found": "add the bot to the chat, or write /start to it, and check chat_id",
        "bot was blocked": "this person blocked the bot",
        "bot was kicked": "the bot was removed from the group",
        "group chat was upgraded": "the group has a new id now; see getUpdates",
        "not enough rights": "allow the bot to post there",
        "need administrator rights": "make the bot an admin of the channel",
        "unauthorized": "the bot token is wrong or was withdrawn",
        "404": "the bot token is wrong",
    }

    def request(self, settings: Mapping[str, Any], message: Message, at: datetime) -> Request:
        """Return the request of one attempt."""
        del at
        url = f"{self.base or API}/bot{settings['bot_token']}/sendMessage"
        return post(url, payload(message, settings), message)

    def verdict(self, answer: Response) -> Verdict:
        """Judge an answer: `ok` says whether it was taken."""
        verdict = verdict_of_service(answer.status_code)
        body = json_of(answer)
        refused = verdict is Verdict.SENT and not (isinstance(body, dict) and body.get("ok"))
        return Verdict.RETRY if refused else verdict


def payload(message: Message, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body; recoveries and tests make no sound."""
    topic = settings.get("topic_id")
    return {
        "chat_id": settings["chat_id"],
        "text": _html(message),
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
        "disable_notification": message.event in {Event.RECOVERED, Event.TEST},
    } | ({"message_thread_id": int(topic)} if topic else {})


def _html(message: Message) -> str:
    """Return at most 4096 characters, entities not counted: the facts are bounded far below."""
    told = words(message)
    lines = [f"<b>{_escaped(told.title)}</b>"]
    lines += map(_escaped, cut_lines(told.notes, NOTES, _size))
    each = min(MEMBER, MEMBERS // max(len(told.members), 1))
    lines += [f"• {_escaped(cut(member, each, _size))}" for member in told.members]
    lines += [f"<b>{label}:</b> {_escaped(value)}" for label, value in told.facts]
    lines += [f'<a href="{html.escape(url)}">{label}</a>' for label, url in told.links]
    lines += [f"<pre>{html.escape(told.output)}</pre>"] if told.output else []
    return "\n".join(lines)


def _size(value: str) -> int:
    return utf16(_parted(value))


def _escaped(value: str) -> str:
    return html.escape(_parted(value))


def _parted(value: str) -> str:
    """Part what Telegram itself would turn into mentions, tags and commands."""
    return "".join(c + _BREAK if c in "@#/$" else c for c in value)
