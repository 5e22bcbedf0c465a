"""Who is told, and when again."""

from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.core.alerts import (
    RETRY_PLAN_S,
    Event,
    Rule,
    Scope,
    Verdict,
    event_of,
    matches,
    retry_after,
    verdict_of,
)

STATUSES = ("new", "up", "degraded", "down", "paused")
TOLD = {
    ("new", "down"): Event.DOWN,
    ("up", "down"): Event.DOWN,
    ("degraded", "down"): Event.DOWN,
    ("paused", "down"): Event.DOWN,
    ("new", "degraded"): Event.DEGRADED,
    ("up", "degraded"): Event.DEGRADED,
    ("down", "degraded"): Event.RECOVERED,
    ("down", "up"): Event.RECOVERED,
    ("degraded", "up"): Event.RECOVERED,
}


@pytest.mark.parametrize(("before", "after"), list(product(STATUSES, STATUSES)))
def test_each_flip_means_one_event_or_none(before: str, after: str) -> None:
    assert event_of(before, after) == TOLD.get((before, after))


RULES = [
    (Scope(), True),
    (Scope("tags", frozenset({"prod", "staging"})), True),
    (Scope("tags", frozenset({"staging"})), False),
    (Scope("tags"), False),
    (Scope("project", frozenset({"p1"})), True),
    (Scope("project", frozenset({"p2"})), False),
    (Scope("watches", frozenset({"w1"})), True),
    (Scope("watches", frozenset({"prod", "p1"})), False),
]


@pytest.mark.parametrize(("scope", "expected"), RULES)
def test_a_rule_covers_what_its_scope_says(scope: Scope, expected: bool) -> None:
    rule = Rule("r1", "c1", frozenset({Event.DOWN}), scope)
    assert matches(rule, Event.DOWN, "w1", {"db1", "prod"}, "p1") is expected
    assert not matches(rule, Event.RECOVERED, "w1", {"db1", "prod"}, "p1")


def test_a_watch_without_project_is_in_no_project() -> None:
    rule = Rule("r1", "c1", scope=Scope("project", frozenset({"p1"})))
    assert not matches(rule, Event.DOWN, "w1", (), None)


def test_a_rule_tells_down_and_recovered_unless_told_otherwise() -> None:
    told = {event for event in Event if matches(Rule("r", "c"), event, "w", (), None)}
    assert told == {Event.DOWN, Event.RECOVERED}


def test_the_plan_starts_fast_and_lasts_a_day() -> None:
    assert RETRY_PLAN_S[:8] == (0, 5, 15, 60, 300, 900, 1800, 3600)
    assert all(earlier <= later for earlier, later in pairwise(RETRY_PLAN_S))
    assert max(RETRY_PLAN_S) == 2 * 3600
    assert 23 * 3600 < sum(RETRY_PLAN_S) <= 24 * 3600


@given(st.integers(0, 30), st.floats(0, 1))
def test_jitter_moves_a_wait_by_a_tenth(attempt: int, jitter: float) -> None:
    wait = retry_after(attempt, jitter)
    if attempt >= len(RETRY_PLAN_S):
        assert wait is None
    else:
        assert wait == pytest.approx(RETRY_PLAN_S[attempt], rel=0.1001)


RETRY_AFTERS = [
    (1, None, 5),
    (1, 0, 5),
    (1, 120, 120),
    (1, 86_400, 3600),
    (5, 30, 900),
    (8, 86_400, 7200),
    (len(RETRY_PLAN_S), 30, None),
]


@pytest.mark.parametrize(("attempt", "asked", "expected"), RETRY_AFTERS)
def test_a_wish_for_later_is_honoured_up_to_an_hour(
    attempt: int, asked: float | None, expected: float | None
) -> None:
    assert retry_after(attempt, 0.5, asked) == expected


VERDICTS = [
    *((code, Verdict.SENT) for code in (200, 201, 204, 299)),
    *((code, Verdict.RETRY) for code in (199, 300, 301, 302, 308, 400, 401, 404, 408, 425, 429)),
    *((code, Verdict.RETRY) for code in (500, 502, 503, 599, None)),
    (410, Verdict.DISABLE),
]


@pytest.mark.parametrize(("code", "verdict"), VERDICTS)
def test_only_2xx_is_arrival(code: int | None, verdict: Verdict) -> None:
    assert verdict_of(code) is verdict
