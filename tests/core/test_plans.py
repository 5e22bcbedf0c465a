"""Plans are data: figures of the published documents, windows, and what is over."""

import pytest

from dogwatch.core.limits import Window
from dogwatch.core.plans import PLANS, UNLIMITED, admit, plan_of
from dogwatch.core.problems import Problem


def test_the_published_figures() -> None:
    three = [PLANS[name] for name in ("free", "starter", "pro")]
    assert [plan.http_monitors for plan in three] == [1, 10, 50]
    assert [plan.min_interval_s for plan in three] == [300, 120, 60]
    assert [plan.probe_history_days for plan in three] == [1, 7, 30]
    assert [plan.requests_per_minute for plan in three] == [60, 60, 60]
    hourly = [PLANS[name].requests_per_hour for name in ("free", "pro", "business")]
    assert hourly == [100, 1_000, 10_000]
    assert (PLANS["business"].requests_per_minute, PLANS["business"].requests_per_day) == (
        60,
        20_000,
    )


def test_each_plan_allows_no_less_than_the_one_before() -> None:
    plans = list(PLANS.values())
    for figure in PLANS["free"].figures():
        sizes = [plan.figures()[figure] for plan in plans if figure != "requests_per_day"]
        known = [float("inf") if size is None else size for size in sizes]
        assert known == sorted(known, reverse=figure == "min_interval_s")


def test_windows() -> None:
    assert PLANS["business"].windows() == {
        "minute": Window("fixed", 60, 60),
        "hour": Window("fixed", 10_000, 3_600),
        "day": Window("fixed", 20_000, 86_400),
    }
    assert UNLIMITED.windows() == {}


def test_what_is_over_the_plan_is_refused_in_words() -> None:
    admit(PLANS["free"], "watches", 24)
    admit(UNLIMITED, "watches", 1_000_000)
    with pytest.raises(Problem) as caught:
        admit(PLANS["free"], "watches", 25)
    assert caught.value.kind == "exceeded"
    assert caught.value.message == (
        "the plan free allows 25 watches; remove some, or take a larger plan"
    )
    with pytest.raises(Problem):
        admit(PLANS["free"], "watches", 20, more=6)


def test_an_unknown_plan_names_the_known_ones() -> None:
    assert plan_of("pro") is PLANS["pro"]
    with pytest.raises(Problem, match="free, starter, pro, business, unlimited"):
        plan_of("gold")
