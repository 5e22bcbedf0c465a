"""Windows of requests: fixed, from the first request on, and even."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.core.limits import Mark, Verdict, Window, reserve, restore, spend

START = datetime(2026, 11, 21, 10, 20, 30, tzinfo=UTC)
DAY = 86_400


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def calls(windows: Sequence[Window], at_s: Sequence[float]) -> list[Sequence[Verdict]]:
    marks: Sequence[Mark | None] = [None] * len(windows)
    told = []
    for seconds in at_s:
        marks, verdicts = spend(windows, marks, after(seconds))
        told.append(verdicts)
    return told


def passed(window: Window, at_s: Sequence[float]) -> str:
    """Return a + for each request that passes and a - for each other."""
    return "".join("+" if verdict.passes else "-" for (verdict,) in calls([window], at_s))


@pytest.mark.parametrize(
    ("window", "at_s", "expected"),
    [
        (Window("fixed", 2, 60), (0, 10, 29, 29.9, 30, 31, 32), "++--++-"),
        (Window("fixed", 1, DAY), (0, 49_169, 49_170), "+-+"),
        (Window("first", 2, 60), (0, 10, 29, 30, 59.9, 60, 61, 62), "++---++-"),
        (Window("even", 3, 30), (0, 0, 0, 0, 9.9, 10, 10, 100, 100, 100, 100), "+++--+-+++-"),
    ],
)
def test_who_passes(window: Window, at_s: Sequence[float], expected: str) -> None:
    assert passed(window, at_s) == expected


def test_what_the_caller_is_told() -> None:
    (first,), (last,), (refused,) = calls([Window("fixed", 2, 60)], (0, 10, 20))
    assert (first.remaining, first.reset_at, first.retry_after_s) == (1, after(30), 0)
    assert (last.remaining, last.passes) == (0, True)
    assert (refused.remaining, refused.reset_at, refused.retry_after_s) == (0, after(30), 10)


def test_an_even_window_says_when_the_next_one_passes() -> None:
    *_, (refused,) = calls([Window("even", 3, 30)], (0, 0, 0, 4))
    assert (refused.remaining, refused.retry_after_s, refused.reset_at) == (0, 6, after(30))


def test_what_one_window_refuses_is_spent_in_none() -> None:
    minute, day = Window("fixed", 1, 60), Window("fixed", 10, DAY)
    told = calls([minute, day], (0, 1, 2, 30))
    assert [[verdict.remaining for verdict in verdicts] for verdicts in told] == [
        [0, 9], [0, 9], [0, 9], [0, 8],
    ]  # fmt: skip
    assert [verdict.passes for verdict in told[1]] == [False, True]


@pytest.mark.parametrize("kind", ["fixed", "first", "even"])
def test_a_clock_set_back_locks_nobody_out(kind: str) -> None:
    window = Window(kind, 2, 60)  # type: ignore[arg-type]  # the kinds above
    assert passed(window, (7200, 7200, 7200, 0, 61))[-1] == "+"


@given(
    st.sampled_from(["fixed", "first", "even"]),
    st.integers(1, 5),
    st.lists(st.integers(0, 600), min_size=1, max_size=60).map(sorted),
)
def test_no_window_lets_more_through_than_twice_its_limit(
    kind: str, limit: int, at_s: list[int]
) -> None:
    """Of two neighbouring windows each may be full; within one never more than its limit."""
    window = Window(kind, limit, 60)  # type: ignore[arg-type]  # the kinds above
    through = [at for at, sign in zip(at_s, passed(window, at_s), strict=True) if sign == "+"]
    for begin in range(0, 600, 60 if kind == "fixed" else 1):
        aligned = begin + 30 if kind == "fixed" else begin
        among = sum(aligned <= at < aligned + 60 for at in through)
        assert among <= (limit if kind == "fixed" else 2 * limit)


@given(st.lists(st.integers(0, 600), min_size=1, max_size=60).map(sorted))
def test_remaining_counts_down_to_the_refusal(at_s: list[int]) -> None:
    for (verdict,) in calls([Window("even", 5, 60)], at_s):
        assert 0 <= verdict.remaining < 5
        assert verdict.passes == (verdict.retry_after_s == 0)


@pytest.mark.parametrize("kind", ["fixed", "first"])
def test_what_is_reserved_is_spent_until_it_is_given_back(kind: str) -> None:
    window = Window(kind, 10, 60)  # type: ignore[arg-type]  # the kinds above
    (mark,), _ = spend([window], [None], START)
    assert mark
    held, count = reserve(window, mark, 6, after(1))
    assert (count, spend([window], [held], after(2))[1][0].remaining) == (6, 2)
    assert reserve(window, held, 6, after(2))[1] == 3
    back = restore(held, mark.at, 4)
    assert spend([window], [back], after(3))[1][0].remaining == 6
    assert restore(back, after(-1), 4) == back, "that window is over"
    assert reserve(window, mark, 6, after(60)) == (mark, 0)


def test_nothing_is_reserved_of_an_even_window() -> None:
    window = Window("even", 10, 60)
    (mark,), _ = spend([window], [None], START)
    assert mark
    assert reserve(window, mark, 5, START) == (mark, 0)
