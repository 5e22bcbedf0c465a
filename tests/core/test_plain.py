"""Words that are safe to show anywhere."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.core.plain import (
    counted,
    cut,
    one_line,
    printable,
    span,
    utf8,
    utf16,
    whole_number,
)

BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"


@pytest.mark.parametrize("mark", [*BREAKS, "\r\n"])
def test_every_line_break_becomes_a_space(mark: str) -> None:
    assert one_line(f"a{mark}b") == "a b"


def test_half_characters_are_replaced_and_long_lines_cut() -> None:
    assert one_line("a\ud800b") == "a\ufffdb"
    assert one_line("x" * 30, 10) == "x" * 9 + "…"
    assert one_line("x" * 10, 10) == "x" * 10
    assert len(one_line("x" * 900)) == 500


@pytest.mark.parametrize("mark", ["\u202e", "\u2066", "\u200f", "\u200b", "\ufeff", "\U000e0041"])
def test_what_turns_or_hides_other_characters_is_left_out(mark: str) -> None:
    assert one_line(f"invoice{mark}gpj.exe") == "invoicegpj.exe"


CUTS = [
    ("abcdef", 6, len, "abcdef"),
    ("abcdef", 5, len, "abcd…"),
    ("abe\u0301f", 4, len, "ab…"),  # the accent stays with its letter
    ("👩\u200d🔧👍x", 4, utf16, "…"),  # nor is a joined emoji parted
    ("👍👍👍", 5, utf16, "👍👍…"),
    ("👍👍👍", 11, utf8, "👍👍…"),
    ("éé", 3, utf8, "…"),
]


@pytest.mark.parametrize(("value", "length", "size", "expected"), CUTS)
def test_a_cut_falls_between_characters(
    value: str, length: int, size: type[int], expected: str
) -> None:
    assert cut(value, length, size) == expected


@given(st.text(max_size=60), st.integers(3, 40), st.sampled_from([len, utf8, utf16]))
def test_a_cut_is_never_longer_than_asked(value: str, length: int, size: type[int]) -> None:
    shortened = cut(value, length, size)
    assert size(shortened) <= length
    assert shortened == value or value.startswith(shortened[:-1])


@given(st.text(max_size=300))
def test_what_is_printable_stays_as_it_is(value: str) -> None:
    once = printable(value)
    assert printable(once) == once
    assert once.split("\n") == once.splitlines() or once.endswith("\n") or not once
    hidden = {"Cc", "Cs", "Cf", "Zl", "Zp"}
    left = {c for c in once if unicodedata.category(c) in hidden}
    assert left <= {"\n", "\u200c", "\u200d"}


SPANS = [
    (0, "0 s"),
    (-3, "0 s"),
    (59.4, "59 s"),
    (59.6, "1 min"),
    (3599, "59 min"),
    (3600, "1 h"),
    (4830, "1 h 20 min"),
    (86_400, "1 d"),
    (183_600, "2 d 3 h"),
]


@pytest.mark.parametrize(("seconds", "words"), SPANS)
def test_a_length_of_time_in_words(seconds: float, words: str) -> None:
    assert span(seconds) == words


@pytest.mark.parametrize(
    ("number", "noun", "words"),
    [
        (0, "run", "0 runs"),
        (1, "run", "1 run"),
        (2, "watch", "2 watches"),
        (2, "entry", "2 entries"),
    ],
)
def test_things_are_counted(number: int, noun: str, words: str) -> None:
    assert counted(number, noun) == words


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("007", 7), ("99999", 99_999)]
    + [(text, None) for text in ("", "-1", "+1", "1_0", "1.0", " 1", "1\n", "²", "٣", "100000")],
)
def test_a_whole_number_is_digits_alone(text: str, number: int | None) -> None:
    assert whole_number(text, 5) == number
