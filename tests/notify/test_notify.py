"""What all channels have in common."""

import asyncio
import json
from collections.abc import Mapping

import pytest

from dogwatch.core.problems import Problem
from dogwatch.notify import CHANNELS
from dogwatch.notify.channel import DETAIL_LENGTH, detail

GOOD: Mapping[str, Mapping[str, object]] = {
    "webhook": {"url": "https://hooks.example/in"},
    "email": {"to": ["ana@example.org"]},
}


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
    assert set(caught.value.fields) == set(GOOD[kind])


def test_sending_is_a_coroutine_everywhere() -> None:
    assert all(asyncio.iscoroutinefunction(channel.send) for channel in CHANNELS.values())


def test_a_detail_is_one_short_plain_line() -> None:
    assert detail("a\r\n\0b\x1b[1m  c") == "a b [1m c"
    assert len(detail("x" * 900)) == DETAIL_LENGTH
