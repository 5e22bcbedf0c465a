"""Rules of our own runs: what is due, caught up, overlapped, retried, lost."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.core.result import Outcome, Result
from dogwatch.core.run import (
    MAX_BACKOFF_S,
    MAX_FIRES,
    ON_TIME,
    CatchUp,
    Fire,
    LostRun,
    Overlap,
    Policy,
    cancelled,
    due,
    in_turn,
    lost_result,
    overlapped,
    retry_in_s,
)
from dogwatch.core.schedule import parse
from dogwatch.core.slots import STRETCH

T0 = datetime(2026, 1, 5, tzinfo=UTC)
HOURLY = parse("0 * * * *")
EVERY_SECOND = parse("every 1s")


def minute(value: float) -> datetime:
    return T0 + timedelta(minutes=value)


def told(fires: tuple[Fire, ...]) -> str:
    """Return `"00:00 missed, 01:00 run"`."""
    return ", ".join(f"{fire.slot_at:%H:%M} {fire.outcome or 'run'}" for fire in fires)


@pytest.mark.parametrize(
    ("policy", "at", "expected"),
    [
        (Policy(), 0, "00:00 run"),
        (Policy(), -0.01, ""),
        (Policy(), 59.9, "00:00 run"),
        (Policy(), 61, "00:00 missed, 01:00 run"),
        (Policy(), 185, "00:00 missed, 01:00 missed, 02:00 missed, 03:00 run"),
        # the window: an hour back, its edge included
        (Policy(), 60, "00:00 missed, 01:00 run"),
        (Policy(catch_up_window_s=600), 10, "00:00 run"),
        (Policy(catch_up_window_s=600), 10.1, "00:00 missed"),
        (Policy(catch_up=CatchUp.ALL, catch_up_window_s=7200), 185,
         "00:00 missed, 01:00 missed, 02:00 run, 03:00 run"),
        (Policy(catch_up=CatchUp.ALL, catch_up_window_s=10**6), 125,
         "00:00 run, 01:00 run, 02:00 run"),
        (Policy(catch_up=CatchUp.ALL, catch_up_window_s=10**6, catch_up_max=2), 125,
         "00:00 missed, 01:00 run, 02:00 run"),
        (Policy(catch_up=CatchUp.ALL), 120, "00:00 missed, 01:00 run, 02:00 run"),
        # none: on time, within half a minute, is no catching up
        (Policy(catch_up=CatchUp.NONE), 0.5, "00:00 run"),
        (Policy(catch_up=CatchUp.NONE), 0.51, "00:00 missed"),
        (Policy(catch_up=CatchUp.NONE), 60.5, "00:00 missed, 01:00 run"),
    ],
)  # fmt: skip
def test_due(policy: Policy, at: float, expected: str) -> None:
    found = due(HOURLY, policy, T0, minute(at))
    assert told(found.fires) == expected
    assert found.next_at == (HOURLY.after(minute(at)) if expected else T0)


def test_a_missed_slot_says_why() -> None:
    assert due(HOURLY, Policy(), T0, minute(65)).fires[0] == Fire(
        T0, Outcome.MISSED, "we were not running"
    )


def test_an_interval_keeps_its_grid() -> None:
    found = due(parse("every 10m"), Policy(), T0, minute(25))
    assert told(found.fires) == "00:00 missed, 00:10 missed, 00:20 run"
    assert found.next_at == minute(30)


def test_an_interval_caught_up_within_a_window_keeps_its_grid() -> None:
    policy = Policy(catch_up=CatchUp.ALL, catch_up_window_s=900)
    for at, expected in ((25, "00:10 run"), (25.1, "00:10 missed")):
        found = due(parse("every 10m"), policy, T0, minute(at))
        assert told(found.fires) == f"00:00 missed, {expected}, 00:20 run"


def test_a_schedule_that_ends_is_due_no_more() -> None:
    found = due(parse("2026-01-05 00:00:00"), Policy(), T0, minute(1))
    assert (told(found.fires), found.next_at) == ("00:00 run", None)


def test_on_time_is_half_a_minute() -> None:
    policy = Policy(catch_up=CatchUp.NONE)
    found = due(EVERY_SECOND, policy, T0, T0 + timedelta(seconds=100))
    assert sum(fire.outcome is None for fire in found.fires) == ON_TIME.seconds + 1


@pytest.mark.parametrize("catch_up", list(CatchUp))
def test_a_long_outage_of_a_short_interval_leaps_to_what_runs(catch_up: CatchUp) -> None:
    """The last line before the leap says so; what is caught up does not depend on it."""
    policy = Policy(catch_up=catch_up, catch_up_window_s=60, catch_up_max=40)
    at = T0 + timedelta(seconds=2500)
    first = {CatchUp.ALL: 2461}.get(catch_up, 2470)
    told = due(EVERY_SECOND, policy, T0, at)
    assert [one.slot_at for one in told.fires] == [T0 + timedelta(seconds=n) for n in range(1000)]
    assert [one.reason == STRETCH for one in told.fires] == [False] * (MAX_FIRES - 1) + [True]
    assert told.next_at == T0 + timedelta(seconds=first)
    rest = due(EVERY_SECOND, policy, told.next_at, at)
    assert [one.outcome for one in rest.fires] == [None] * (2501 - first)
    assert rest.next_at == at + timedelta(seconds=1)


def test_an_interval_leaps_along_its_grid() -> None:
    found = due(parse("every 7s"), Policy(), T0, T0 + timedelta(days=2))
    assert found.next_at
    assert (found.next_at - T0) % timedelta(seconds=7) == timedelta()
    assert timedelta(days=2) - ON_TIME <= found.next_at - T0 < timedelta(days=2)


@given(
    st.sampled_from(["*/7 * * * *", "every 90s", "every 1s", "30 2 * * *"]),
    st.sampled_from(list(CatchUp)),
    st.integers(0, 20_000),
    st.integers(1, 4),
    st.integers(0, 4000),
)
def test_every_slot_is_dealt_with_once(
    text: str, catch_up: CatchUp, seconds: int, most: int, window_s: int
) -> None:
    schedule = parse(text, "Europe/Berlin")
    policy = Policy(catch_up=catch_up, catch_up_max=most, catch_up_window_s=window_s)
    first = schedule.after(T0)
    assert first is not None
    at = first + timedelta(seconds=seconds % MAX_FIRES if text == "every 1s" else seconds)
    next_at: datetime | None = first
    slots = []
    while next_at and next_at <= at:
        found = due(schedule, policy, next_at, at)
        slots += [fire.slot_at for fire in found.fires]
        next_at = found.next_at
    assert slots == sorted(set(slots))
    assert slots == schedule.next(len(slots), T0)
    assert next_at == schedule.after(slots[-1])


def test_a_portion_does_not_catch_up_what_a_later_one_will() -> None:
    """The last slot alone is caught up, though it lies beyond the first portion."""
    at = T0 + timedelta(seconds=1500)
    found = due(EVERY_SECOND, Policy(), T0, at)
    assert {fire.outcome for fire in found.fires} == {Outcome.MISSED}
    assert len(found.fires) == MAX_FIRES


@pytest.mark.parametrize(
    ("overlap", "queued", "running", "passes", "waits"),
    [
        (Overlap.SKIP, 0, 0, False, True),
        (Overlap.SKIP, 1, 0, True, True),
        (Overlap.SKIP, 0, 1, True, True),
        (Overlap.QUEUE_ONE, 0, 0, False, True),
        (Overlap.QUEUE_ONE, 0, 1, False, True),
        (Overlap.QUEUE_ONE, 1, 1, True, True),
        (Overlap.ALLOW, 3, 3, False, False),
        (Overlap.CANCEL_PREVIOUS, 1, 1, False, True),
    ],
)
def test_overlap(overlap: Overlap, queued: int, running: int, passes: bool, waits: bool) -> None:
    policy = Policy(overlap=overlap)
    assert bool(overlapped(policy, queued, running)) is passes
    assert in_turn(policy) is waits


FAILED = Result(Outcome.FAIL, "exit status 1")


@pytest.mark.parametrize(
    ("attempt", "jitter", "expected"),
    [(1, 0.0, 10), (2, 0.0, 20), (3, 0.0, 40), (3, 1.0, 44), (9, 0.0, 2560), (10, 0.0, 3600),
     (19, 0.0, 3600), (20, 0.0, None)],
)  # fmt: skip
def test_retries_back_off(attempt: int, jitter: float, expected: float | None) -> None:
    assert retry_in_s(Policy(max_attempts=20), attempt, FAILED, jitter) == expected


@pytest.mark.parametrize(
    "result",
    [
        Result(Outcome.OK),
        Result(Outcome.SLOW),
        Result(Outcome.SKIPPED, "cancelled"),
        replace(FAILED, retryable=False),
    ],
)
def test_what_is_not_retried(result: Result) -> None:
    assert retry_in_s(Policy(max_attempts=5), 1, result, 0.0) is None


@pytest.mark.parametrize("outcome", [Outcome.FAIL, Outcome.TIMEOUT])
def test_failures_are_retried(outcome: Outcome) -> None:
    assert retry_in_s(Policy(max_attempts=2), 1, Result(outcome), 0.0) == 10


@given(st.integers(1, 10**6), st.integers(0, 10**6), st.floats(0, 1))
def test_no_retry_waits_longer_than_an_hour_and_a_tenth(
    attempt: int, backoff_s: int, jitter: float
) -> None:
    policy = Policy(max_attempts=10**7, backoff_s=backoff_s)
    wait = retry_in_s(policy, attempt, FAILED, jitter)
    assert wait is not None
    assert 0 <= wait <= MAX_BACKOFF_S * 1.1


def test_a_lost_run_fails_or_is_skipped_and_is_not_retried() -> None:
    results = {rule: lost_result(Policy(lost_run=rule), "it died") for rule in LostRun}
    assert {rule: result.outcome for rule, result in results.items()} == {
        LostRun.FAIL: Outcome.FAIL,
        LostRun.RERUN: Outcome.FAIL,
        LostRun.SKIP: Outcome.SKIPPED,
    }
    assert {(result.reason, result.retryable) for result in results.values()} == {
        ("it died", False)
    }


def test_a_cancelled_run_is_skipped_for_its_reason() -> None:
    assert cancelled("by hand") == Result(Outcome.SKIPPED, "by hand", retryable=False)
    assert cancelled("").reason == "cancelled"
