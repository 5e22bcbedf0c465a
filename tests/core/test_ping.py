"""What a ping's path says, and what is kept of its body."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.core.ping import (
    Beat,
    Collector,
    Kind,
    Target,
    durations_ms,
    heard_at,
    keep,
    read_path,
)

KEY = "0b3e7f1c-9d52-4a86-8c1e-5f2a7d90c4b6"
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("suffix", "kind", "exit_code"),
    [
        ("", Kind.OK, None),
        ("/", Kind.OK, None),
        ("/start", Kind.START, None),
        ("/fail", Kind.FAIL, None),
        ("/log", Kind.LOG, None),
        ("/0", Kind.OK, 0),
        ("/1", Kind.FAIL, 1),
        ("/255", Kind.FAIL, 255),
    ],
)
def test_suffix_says_what_happened(suffix: str, kind: Kind, exit_code: int | None) -> None:
    assert read_path(f"/ping/{KEY}{suffix}", b"") == Target(key=KEY, kind=kind, exit_code=exit_code)
    assert read_path(f"/ping/{KEY}/db-backup{suffix}", b"") == Target(
        workspace_key=KEY, slug="db-backup", kind=kind, exit_code=exit_code
    )


@pytest.mark.parametrize(
    "path",
    [
        "/ping/",
        "/ping",
        "/pong/" + KEY,
        "/ping/short",
        "/ping/" + "k" * 65,
        "/ping/not_a_key_",
        f"/ping/{KEY}\n",
        f"/ping/{KEY}//",
        f"/ping/{KEY}/256",
        f"/ping/{KEY}/007",
        f"/ping/{KEY}/-1",
        f"/ping/{KEY}/Start",
        f"/ping/{KEY}/Upper",
        f"/ping/{KEY}/" + "s" * 65,
        f"/ping/{KEY}/slug/256",
        f"/ping/{KEY}/slug/start/start",
        f"/ping/{KEY}/١",
    ],
)
def test_a_path_that_names_nothing(path: str) -> None:
    assert read_path(path, b"create=1") is None


def test_reserved_words_win_over_slugs() -> None:
    assert read_path(f"/ping/{KEY}/start", b"create=1") == Target(key=KEY, kind=Kind.START)
    assert read_path(f"/ping/{KEY}/start/fail", b"") == Target(
        workspace_key=KEY, slug="start", kind=Kind.FAIL
    )


@pytest.mark.parametrize(
    ("query", "create"),
    [(b"create=1", True), (b"create=0", False), (b"create", False), (b"create=1&create=0", True)],
)
def test_create(query: bytes, create: bool) -> None:
    target = read_path(f"/ping/{KEY}/nightly", query)
    assert target is not None
    assert target.create is create


@pytest.mark.parametrize(
    ("query", "rid"),
    [
        (b"rid=run-7", "run-7"),
        (b"x=1&rid=a%20b", "a b"),
        (b"rid=caf%C3%A9", "café"),
        (b"rid=" + b"r" * 64, "r" * 64),
        (b"rid=" + b"r" * 65, None),
        (b"rid=", None),
        (b"rid=a%00b", None),
        (b"rid=a%0Ab", None),
        (b"&&;=;rid", None),
    ],
)
def test_odd_run_ids_are_ignored(query: bytes, rid: str | None) -> None:
    target = read_path(f"/ping/{KEY}/start", query)
    assert target is not None
    assert target.rid == rid


@pytest.mark.parametrize(
    ("query", "at"),
    [
        (b"at=1772600767", NOW),
        (b"at=1772600767.0", NOW),
        (b"at=2026-03-04T05:06:07Z", NOW),
        (b"at=2026-03-04T05:06:07", NOW),
        (b"at=2026-03-04T06:06:07+01:00", NOW),
        (b"at=2026-03-04T06:06:07%2B01:00", NOW),
        (b"at=nan", None),
        (b"at=1e999", None),
        (b"at=0001-01-01T00:00:00%2B14:00", None),
        (b"at=yesterday", None),
        (b"at=%D9%A1", None),
    ],
)
def test_claimed_time(query: bytes, at: datetime | None) -> None:
    target = read_path(f"/ping/{KEY}", query)
    assert target is not None
    assert target.at == at


@pytest.mark.parametrize(
    ("claimed", "counts"),
    [
        (timedelta(0), True),
        (timedelta(days=-7), True),
        (timedelta(days=-7, seconds=-1), False),
        (timedelta(seconds=1), False),
    ],
)
def test_original_time_within_a_week_counts(claimed: timedelta, counts: bool) -> None:
    assert heard_at(NOW + claimed, NOW) == (NOW + claimed if counts else NOW)


def test_no_claimed_time_is_now() -> None:
    assert heard_at(None, NOW) == NOW


@given(st.text(), st.binary())
def test_no_path_raises(path: str, query: bytes) -> None:
    assert read_path(path, query) is None or path.startswith("/ping/")


@given(
    st.sampled_from(["", "/start", "/slug", "/slug/7"]),
    st.sampled_from([b"rid", b"at", b"create"]),
    st.binary(),
)
def test_a_good_path_counts_whatever_its_query(suffix: str, name: bytes, value: bytes) -> None:
    target = read_path(f"/ping/{KEY}{suffix}", name + b"=" + value)
    assert target is not None
    assert KEY in (target.key, target.workspace_key)


@pytest.mark.parametrize(
    ("body", "limit", "text"),
    [
        (b"", 10, ""),
        (b"done", 10, "done"),
        (b"0123456789", 10, "0123456789"),
        (b"0123456789a", 10, "01234\n[1 bytes dropped]\n6789a"),
        (b"0123456789a", 5, "012\n[6 bytes dropped]\n9a"),
        (b"abc", 0, "\n[3 bytes dropped]\n"),
        (b"a\x00b", 10, "a�b"),
        (b"\xff\xfeok", 10, "��ok"),
        ("äöüß".encode(), 6, "ä\n[4 bytes dropped]\nß"),
    ],
)
def test_keep(body: bytes, limit: int, text: str) -> None:
    assert keep(body, limit, len(body)) == text


def test_cuts_fall_between_characters() -> None:
    euros = "€" * 10
    assert keep(euros.encode(), 10, 30) == "€\n[24 bytes dropped]\n€"


@given(st.binary(max_size=300), st.integers(0, 100))
def test_keep_never_raises_and_stays_small(body: bytes, limit: int) -> None:
    text = keep(body, limit, len(body))
    assert "\0" not in text
    assert len(text) <= limit + len("\n[300 bytes dropped]\n")


@given(st.text(alphabet="aä€😀", max_size=80), st.integers(0, 100))
def test_good_text_stays_good(text: str, limit: int) -> None:
    kept = keep(text.encode(), limit, len(text.encode()))
    assert "�" not in kept
    head, _, tail = kept.partition("\n[")
    assert text.startswith(head)
    assert text.endswith(tail.partition("]\n")[2])


@given(st.lists(st.binary(max_size=60), max_size=12), st.integers(0, 40))
def test_collecting_in_pieces_is_keeping_the_whole(pieces: list[bytes], limit: int) -> None:
    collector = Collector(limit)
    for piece in pieces:
        collector.add(piece)
    whole = b"".join(pieces)
    assert collector.text() == keep(whole, limit, len(whole))
    assert collector.total == len(whole)


@pytest.mark.parametrize(
    ("told", "took_s"),
    [
        ("0 start, 5 ok, 9 ok", [None, 5, None]),
        ("0 start, 5 fail, 9 ok", [None, 5, None]),
        ("0 start/a, 1 start/b, 4 ok/b, 9 ok/a", [None, None, 3, 9]),
        ("0 start, 4 ok/a, 9 ok", [None, None, 9]),
        ("0 start, 3 start, 5 log, 9 ok", [None, None, None, 6]),
        ("9 start, 5 ok", [None, 0]),
        ("5 ok", [None]),
    ],
)
def test_an_end_is_measured_from_the_start_of_its_run(told: str, took_s: list[int | None]) -> None:
    def beat(word: str) -> Beat:
        second, kind = word.split()
        name, _, rid = kind.partition("/")
        return Beat(datetime(2026, 1, 5, 12, 0, int(second), tzinfo=UTC), name, rid or None)

    took_ms = durations_ms([beat(word) for word in told.split(", ")])
    assert took_ms == [None if took is None else took * 1_000 for took in took_s]
