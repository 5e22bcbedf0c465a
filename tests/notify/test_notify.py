"""What all channels have in common."""

import inspect
import json

import pytest

from dogwatch.core.problems import Problem
from dogwatch.notify import CHANNELS
from dogwatch.notify.channel import DETAIL_LENGTH, detail
from dogwatch.notify.http_channel import HttpChannel
from tests.notify.settings import GOOD


def test_every_channel_is_found_by_its_kind() -> None:
    assert {kind: channel.kind for kind, channel in CHANNELS.items()} == {
        kind: kind for kind in GOOD
    }


@pytest.mark.parametrize("kind", CHANNELS)
def test_checked_settings_can_be_stored_and_checked_again(kind: str) -> None:
    once = CHANNELS[kind].check(GOOD[kind])
    stored = {**json.loads(json.dumps(once.public)), **json.loads(json.dumps(once.secret))}
    assert CHANNELS[kind].check(stored) == once
    assert not once.public.keys() & once.secret.keys()


@pytest.mark.parametrize("kind", CHANNELS)
def test_an_unknown_setting_is_refused_by_name(kind: str) -> None:
    with pytest.raises(Problem) as caught:
        CHANNELS[kind].check({**GOOD[kind], "smtp_url": "smtp://evil.example"})
    assert set(caught.value.fields) == {"smtp_url"}


@pytest.mark.parametrize("kind", CHANNELS)
def test_settings_are_asked_for_by_name(kind: str) -> None:
    with pytest.raises(Problem) as caught:
        CHANNELS[kind].check({})
    assert set(caught.value.fields) == {one.name for one in CHANNELS[kind].fields if one.needed}


def test_sending_is_a_coroutine_everywhere() -> None:
    assert all(inspect.iscoroutinefunction(channel.send) for channel in CHANNELS.values())


def test_a_detail_is_one_short_plain_line() -> None:
    assert detail("a\r\n\0b\x1b[1m  c") == "a b [1m c"
    assert len(detail("x" * 900)) == DETAIL_LENGTH


@pytest.mark.parametrize("kind", CHANNELS)
def test_what_is_secret_is_never_public(kind: str) -> None:
    channel = CHANNELS[kind]
    checked = channel.check(GOOD[kind])
    secret = {one.name for one in channel.fields if one.secret}
    assert checked.secret.keys() <= secret
    assert not checked.public.keys() & secret
    assert all(one.help.endswith(".") for one in channel.fields)


@pytest.mark.parametrize("kind", CHANNELS)
def test_every_example_is_a_good_one(kind: str) -> None:
    channel = CHANNELS[kind]
    example = {one.name: one.example for one in channel.fields}
    assert channel.check(example).public.keys() <= example.keys()


BAD = [
    ("slack", "url", "https://hooks.slack.com.evil.example/services/T/B/x"),
    ("slack", "url", "http://hooks.slack.com/services/T/B/x"),
    ("slack", "url", "https://example.org/services/T/B/x"),
    ("discord", "url", "https://discord.com/channels/1/2"),
    ("discord", "url", "https://evildiscord.com/api/webhooks/1/x"),
    ("telegram", "bot_token", "123:short"),
    ("telegram", "bot_token", "123456:ABC-DEF1234ghIkl-zyx57W2v1u123/ew11"),
    ("telegram", "chat_id", 77),
    ("telegram", "topic_id", "x"),
    ("teams", "url", "https://logic.azure.com.example/x"),
    ("ntfy", "topic", "a/b"),
    ("ntfy", "server_url", "https://ntfy.sh/?auth=x"),
    ("ntfy", "server_url", "https://user:pass@ntfy.sh"),
    ("pushover", "user", "x" * 29),
    ("pushover", "priority", "deafening"),
    ("pagerduty", "routing_key", "x"),
    ("pagerduty", "region", "mars"),
    ("opsgenie", "api_key", "GenieKey x"),
    ("matrix", "room", "#ops:example.org"),
    ("matrix", "access_token", "two words"),
    ("matrix", "access_token", "line\r\nbreak-in"),
    ("mattermost", "url", "https://chat.example.org/api/v4/posts"),
    ("sms", "to", "0048123456789"),
    ("sms", "from", "+1\r\n"),
    ("webhook", "format", "cronzilla"),
]


@pytest.mark.parametrize(("kind", "name", "value"), BAD)
def test_a_bad_setting_is_told_by_name_and_not_repeated(
    kind: str, name: str, value: object
) -> None:
    with pytest.raises(Problem) as caught:
        CHANNELS[kind].check({**GOOD[kind], name: value})
    assert set(caught.value.fields) == {name}
    assert str(value) not in caught.value.message


def test_hints_are_words_for_people() -> None:
    channels = [one for one in CHANNELS.values() if isinstance(one, HttpChannel)]
    assert all(hint and hint[0].islower() for one in channels for hint in one.hints.values())
