"""Lengths of time as people write them come back as they were."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.core.lengths import length_s, words_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90 s", 90), ("90s", 90), ("5", 300), ("5 min", 300), ("1 h 30 min", 5400),
        ("1h30m", 5400), ("2 days", 172_800), ("1 week", 604_800), ("1 H, 5 Min", 3900),
        ("0", 0), ("", None), ("soon", None), ("5 parsecs", None), ("-5 min", None),
        ("1.5 h", None), ("٣ min", None),
    ],
)  # fmt: skip
def test_lengths_are_read(text: str, seconds: int | None) -> None:
    assert length_s(text) == seconds


@pytest.mark.timeout(120)
def test_a_length_of_many_parts_is_read_once() -> None:
    """To cut off one after the other took seconds for what a form holds, minutes for this."""
    assert length_s("1 " * 1_500_000) == 90_000_000


@given(st.integers(0, 366 * 86_400))
def test_none_is_rounded(seconds: int) -> None:
    assert length_s(words_of(seconds)) == seconds
