"""Whatever people name a watch, or a script prints: no service reads markup or mentions in it."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dogwatch.core.alerts import Event
from dogwatch.core.message import Message, Note
from dogwatch.core.plain import utf8, utf16
from dogwatch.notify import (
    discord,
    formats,
    matrix,
    mattermost,
    ntfy,
    opsgenie,
    pagerduty,
    pushover,
    slack,
    teams,
    telegram,
    twilio,
)
from tests.harness.messages import ITEM, MESSAGE
from tests.notify.settings import GOOD

TRAPS = [
    "@everyone", "@here", "@room", "@channel", "@all", "<!channel>", "<!here|x>", "<@U012AB3CD>",
    "<@&123>", "<#C1>", "<https://evil.example|click>", "[click](https://evil.example)",
    "![x](https://evil.example)", "**bold**", "__u__", "~~s~~", "`code`", "```", "> quote", "# big",
    "<b>x</b>", "<script>", "</pre>", "<a href=x>", "&lt;", "&amp;", "<at>all</at>", "/start",
    "#tag", "\\", "\\@everyone", "\r\nBcc: eve@example.org", "\u202egnp",
    "\u2066x", "\x1b[2J", "\0", "\ud800", "|", "{{x}}", "\"},{\"", "discord.gg/x",
    "@" * 500, "👩\u200d🔧" * 50, "x" * 3000,
]  # fmt: skip
WORDS = st.lists(st.sampled_from(TRAPS) | st.text(max_size=30), max_size=8).map("".join)
# Somebody's own words may be 16,000 characters, in as many lines as he likes.
NOTES = st.tuples(
    st.sampled_from(["", "x\n", "&", '"', "@", "#", "*", "<b>", "語", "👩", "@x\n", "word word "]),
    st.sampled_from([1, 40, 16_000]),
).map(lambda drawn: (drawn[0] * drawn[1])[:16_000])
ESCAPED = re.compile(r"\\[!-/:-@\[-`{-~]")
PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """A message whose every word was chosen by an enemy; of one watch, or of several."""
    name, reason, output = draw(WORDS), draw(WORDS), draw(WORDS)
    event = draw(st.sampled_from(list(Event)))
    item = replace(
        ITEM, event=event, name=name, reason=reason, output_tail=output, tags=(name, reason)
    )
    count = draw(st.sampled_from([1, 1, 2, 9]))
    if event is Event.NOTE:
        return replace(MESSAGE, items=(item,), note=Note(name, draw(NOTES) + output))
    return replace(
        MESSAGE,
        items=(item,) * count,
        more=draw(st.sampled_from([0, 9_950])) if count == 9 else 0,
        workspace=name,
        also_down=(name, reason),
        also_down_count=3,
    )


def strings(value: Any) -> Iterator[str]:
    """Yield every string within a body."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def of_type(body: Any, name: str) -> Iterator[dict[str, Any]]:
    """Yield every object of a type within a body."""
    if isinstance(body, dict):
        if body.get("type") == name:
            yield body
        for inner in body.values():
            yield from of_type(inner, name)
    elif isinstance(body, list):
        for inner in body:
            yield from of_type(inner, name)


def types(body: Any) -> set[str]:
    """Return the types of all objects within a body."""
    found = {body["type"]} if isinstance(body, dict) and "type" in body else set()
    inner = body.values() if isinstance(body, dict) else body if isinstance(body, list) else ()
    return found.union(*map(types, inner))


class Tags(HTMLParser):
    """Keeps the tags, the links and the text of some HTML."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: set[str | None] = set()
        self.text = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links |= {value for name, value in attrs if name == "href"}
        assert {name for name, _ in attrs} <= {"href"}

    def handle_data(self, data: str) -> None:
        self.text += data


def plain(text: str) -> None:
    """Assert that nothing in a text hides, turns or controls."""
    assert not re.search(
        "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text
    )


LINKS = {ITEM.url, MESSAGE.url}


@settings(deadline=None, max_examples=60)
@given(messages())
def test_slack(message: Message) -> None:
    body = slack.payload(message)
    assert not set("<>") & set(body["text"])
    assert not re.search("&(?!amp;|lt;|gt;)", body["text"])
    rich = {f"rich_text{part}" for part in ("", "_section", "_list", "_preformatted")}
    assert types(body) <= rich | {"text", "link"}
    assert {link["url"] for link in of_type(body, "link")} <= LINKS
    assert all(text["text"] for text in of_type(body, "text"))
    for section in of_type(body, "rich_text_section"):
        assert sum(len(text["text"]) for text in of_type(section, "text")) <= 3000
    for text in strings(body):
        plain(text)


@settings(deadline=None, max_examples=60)
@given(messages())
def test_discord(message: Message) -> None:
    body = discord.payload(message)
    assert body["allowed_mentions"] == {"parse": []}
    (embed,) = body["embeds"]
    lines, _, output = embed.get("description", "").partition("```")
    values = [lines, embed["title"], *(one["value"] for one in embed["fields"])]
    for value in values:
        assert not PUNCTUATION.search(ESCAPED.sub("", value).rstrip("…\\"))
        plain(value)
    assert output.count("```") <= 1
    assert utf16(embed["title"]) <= 256
    assert utf16(embed.get("description", "")) <= 4096
    assert all(1 <= utf16(one["value"]) <= 1024 for one in embed["fields"])
    assert sum(map(utf16, strings(embed))) <= 6000


@settings(deadline=None, max_examples=60)
@given(messages())
def test_telegram(message: Message) -> None:
    body = telegram.payload(message, {"chat_id": "1"})
    read = Tags(body["text"])
    assert read.tags <= {"b", "a", "pre"}
    assert read.links <= LINKS
    outside = re.sub("<pre>.*</pre>", "", body["text"], flags=re.DOTALL)
    assert not re.search(r"[@#/$]\w", Tags(outside).text)
    assert utf16(read.text) <= 4096
    plain(body["text"])


@settings(deadline=None, max_examples=60)
@given(messages())
def test_teams(message: Message) -> None:
    body = teams.payload(message)
    assert types(body) <= {
        "message", "AdaptiveCard", "RichTextBlock", "TextRun", "Action.OpenUrl",
    }  # fmt: skip
    assert {one["url"] for one in of_type(body, "Action.OpenUrl")} <= LINKS
    assert "entities" not in json.dumps(list(body["attachments"][0]["content"]))
    assert len(json.dumps(body, ensure_ascii=False).encode()) < 28 * 1024
    for text in strings(body):
        plain(text)


@settings(deadline=None, max_examples=60)
@given(messages())
def test_ntfy(message: Message) -> None:
    body = ntfy.payload(message, "topic")
    assert body["markdown"] is False
    assert utf8(body["title"]) <= ntfy.TITLE_BYTES
    assert utf8(body["message"]) <= ntfy.MESSAGE_BYTES
    assert "\n" not in body["title"]
    assert body["click"] in LINKS
    plain(body["title"] + body["message"])


@settings(deadline=None, max_examples=60)
@given(messages())
def test_pushover(message: Message) -> None:
    body = pushover.payload(message, GOOD["pushover"])
    assert "html" not in body
    assert len(body["title"]) <= pushover.TITLE
    assert 1 <= len(body["message"]) <= pushover.BODY
    plain(body["title"] + body["message"])


@settings(deadline=None, max_examples=60)
@given(messages())
def test_pagerduty(message: Message) -> None:
    body = pagerduty.payload(message, "key")
    assert body["dedup_key"] == "dogwatch-w1"
    if body["event_action"] == "trigger":
        assert 1 <= len(body["payload"]["summary"]) <= pagerduty.SUMMARY
        assert len(json.dumps(body, ensure_ascii=False).encode()) < 512 * 1024
    for text in strings(body):
        plain(text)


@settings(deadline=None, max_examples=60)
@given(messages())
def test_opsgenie(message: Message) -> None:
    body = opsgenie.payload(message)
    assert utf16(body.get("message", "")) <= 2 * opsgenie.MESSAGE
    assert len(body.get("message", "")) <= opsgenie.MESSAGE
    assert all(len(tag) <= opsgenie.TAG for tag in body.get("tags", ()))
    for text in strings(body):
        plain(text)


@settings(deadline=None, max_examples=60)
@given(messages())
def test_matrix(message: Message) -> None:
    body = matrix.payload(message)
    assert body["m.mentions"] == {}
    read = Tags(body["formatted_body"])
    assert read.tags <= {"strong", "br", "ul", "li", "a", "pre", "code"}
    assert read.links <= LINKS
    assert "@room" not in body["body"] + read.text
    # The limit is of an event as canonical JSON, which is UTF-8 (Matrix: Signing JSON).
    assert len(json.dumps(body, ensure_ascii=False).encode()) < 65_536
    plain(body["body"])


@settings(deadline=None, max_examples=60)
@given(messages())
def test_mattermost(message: Message) -> None:
    body = mattermost.payload(message)
    assert "text" not in body
    (attachment,) = body["attachments"]
    lines, _, output = attachment["text"].partition("```")
    values = [attachment["title"], attachment["fallback"]]
    values += [lines]
    values += [one["value"] for one in attachment["fields"]]
    for value in values:
        assert not PUNCTUATION.search(ESCAPED.sub("", value))
        plain(value)
    assert output.count("```") <= 1
    assert not re.search("@(everyone|here|channel|all)", json.dumps(body))
    assert mattermost.size(attachment) <= mattermost.PROPS


@settings(deadline=None, max_examples=60)
@given(messages())
def test_sms(message: Message) -> None:
    form = twilio.payload(message, GOOD["sms"])
    assert set(form) == {"To", "From", "Body"}
    assert utf16(form["Body"]) <= 1600
    plain(form["Body"])


@settings(deadline=None, max_examples=60)
@given(messages())
@pytest.mark.parametrize("name", formats.FORMATS)
def test_webhooks(name: str, message: Message) -> None:
    form = formats.FORMATS[name]
    body = json.dumps(form.payload(message)).encode()
    for header, value in form.headers(message, ITEM.since_at, body, GOOD_SECRETS[name]):
        assert header.isascii()
        assert value.isascii()
        assert value.isprintable()


GOOD_SECRETS = {
    name: ["whsec_" + "A" * 32] if name == "standard" else ["s3cret"] for name in formats.FORMATS
}


def test_a_query_of_an_sms_is_one_form() -> None:
    form = twilio.payload(replace(MESSAGE, workspace="&To=+1&x"), GOOD["sms"])
    assert set(parse_qs(urlencode(form))) == {"To", "From", "Body"}
