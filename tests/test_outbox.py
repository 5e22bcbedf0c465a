"""The outbox: what is kept can be read back, and what is no ping stands in nobody's way."""

from pathlib import Path

import pytest

from dogwatch.outbox import Outbox, Ping

PING = Ping("http://127.0.0.1:8000", "job", "0", 1_700_000_000.5, rid="r", body="é\udce9")


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    """An outbox with one directory."""
    return Outbox((tmp_path / "spool",))


def test_what_is_kept_is_read_back(outbox: Outbox) -> None:
    path = outbox.put(PING)
    assert list(outbox.kept()) == [(path, PING)]


def test_the_oldest_comes_first(outbox: Outbox) -> None:
    later = Ping("http://x", "job", "", 1_800_000_000)
    outbox.put(later)
    outbox.put(PING)
    assert [ping.at_s for _, ping in outbox.kept()] == [PING.at_s, later.at_s]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"server": "http://x", "to": "job", "signal": "", "at_s": "yesterday"}',
        '{"server": "http://x", "to": "job", "signal": "", "at_s": NaN}',
        '{"server": "http://x", "to": "job", "signal": "", "at_s": 1e300}',
        '{"server": "http://x", "to": ["job"], "signal": "", "at_s": 1}',
        '{"server": "http://x", "to": "job", "signal": 0, "at_s": 1}',
        '{"server": "http://x", "to": "job", "signal": "", "at_s": 1, "body": 5}',
        '{"server": "http://x", "to": "job", "signal": "", "at_s": 1, "rid": 5}',
        '{"server": "http://x", "to": "job", "signal": "", "at_s": 1, "create": true}',
        '{"server": "x", "to": "job", "signal": "", "at_s": 1}',
        '{"server": "http://x:port", "to": "job", "signal": "", "at_s": 1}',
        '{"server": "http://x", "to": "http://[", "signal": "", "at_s": 1}',
    ],
)
def test_what_is_no_ping_is_set_aside(outbox: Outbox, text: str) -> None:
    kept = outbox.put(PING)
    odd = kept.with_name("0.json")
    odd.write_text(text)
    assert [path for path, _ in outbox.kept()] == [kept]
    assert (odd.exists(), odd.with_suffix(".broken").exists()) == (False, True)


def test_two_never_send_at_once(outbox: Outbox) -> None:
    outbox.put(PING)
    with outbox.alone() as first, outbox.alone(wait=False) as second:
        assert (first, second) == (True, False)
    with outbox.alone(wait=False) as again:
        assert again
