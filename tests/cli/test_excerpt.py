"""Head and tail of an output: bounded, whole characters, honest about the gap."""

from hypothesis import given
from hypothesis import strategies as st

from dogwatch.cli.excerpt import Excerpt


def excerpt(*pieces: bytes, limit: int = 1000) -> str:
    kept = Excerpt(limit)
    for piece in pieces:
        kept.add(piece)
    return kept.text()


def test_short_output_is_whole() -> None:
    assert excerpt(b"one\n", b"two\n") == "one\ntwo\n"


def test_the_gap_tells_how_much_is_missing() -> None:
    text = excerpt(b"a" * 2000)
    assert text.count("a") + int(text.partition("… ")[2].split()[0]) == 2000


def test_invalid_utf_8_is_replaced() -> None:
    assert excerpt(b"caf\xe9") == "caf?"


def test_a_character_across_two_pieces_is_whole() -> None:
    assert excerpt("é".encode()[:1], "é".encode()[1:]) == "é"


@given(st.lists(st.binary(max_size=600), max_size=20), st.integers(100, 2000))
def test_never_longer_than_the_limit(pieces: list[bytes], limit: int) -> None:
    assert len(excerpt(*pieces, limit=limit).encode()) <= limit


@given(st.lists(st.binary(max_size=99), max_size=20))
def test_how_it_arrives_does_not_matter(pieces: list[bytes]) -> None:
    assert excerpt(*pieces) == excerpt(b"".join(pieces))
