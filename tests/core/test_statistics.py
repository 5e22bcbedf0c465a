"""Tallies: counts and percentiles that can be merged."""

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.core.result import Outcome
from dogwatch.core.statistics import Tally, bucket_of, merged, of

DURATIONS = st.lists(st.integers(0, 300_000), min_size=1, max_size=200)


def tally(*durations: int) -> Tally:
    return merged(filter(None, (of(Outcome.OK, one) for one in durations)))


@pytest.mark.parametrize(
    ("outcome", "counts"),
    [
        (Outcome.OK, (1, 0, 0)),
        (Outcome.SLOW, (0, 1, 0)),
        (Outcome.FAIL, (0, 0, 1)),
        (Outcome.TIMEOUT, (0, 0, 1)),
        (Outcome.MISSED, (0, 0, 1)),
        (Outcome.UNKNOWN, None),
        (Outcome.SKIPPED, None),
        (Outcome.SUPPRESSED, None),
    ],
)
def test_outcomes(outcome: Outcome, counts: tuple[int, int, int] | None) -> None:
    one = of(outcome, 5)
    assert (one and (one.ok, one.slow, one.bad)) == counts


def test_nothing_is_known_of_nothing() -> None:
    assert (Tally().uptime_percent, Tally().average_ms, Tally().percentile_ms(0.5)) == (None,) * 3


def test_uptime_is_100_only_where_nothing_was_bad() -> None:
    assert Tally(ok=1_000_000).uptime_percent == 100.0
    assert Tally(ok=1_000_000, bad=1).uptime_percent == 99.999
    assert Tally(ok=1, slow=1, bad=1).uptime_percent == 66.667
    assert Tally(bad=1).uptime_percent == 0.0


def test_the_average_is_exact() -> None:
    assert tally(10, 20, 31).average_ms == 20.3


@given(DURATIONS, st.sampled_from([0.5, 0.95, 0.99]))
def test_percentiles_are_off_by_a_twentieth_at_most(durations: list[int], share: float) -> None:
    found = tally(*durations).percentile_ms(share)
    exact = sorted(durations)[ceil(len(durations) * share) - 1]
    assert found is not None
    assert exact * 0.95 - 1 <= found <= exact * 1.05 + 1


@given(DURATIONS, DURATIONS)
def test_merging_is_the_same_as_counting_together(one: list[int], other: list[int]) -> None:
    assert merged([tally(*one), tally(*other)]) == tally(*one, *other)


def test_three_months_of_minutes_need_few_buckets() -> None:
    assert len({bucket_of(ms) for ms in range(300_000)}) < 140
