"""The state machine and our own probes: `second outcome` in, statuses and ledger out."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.core.result import Outcome
from dogwatch.core.schedule import parse
from dogwatch.core.signals import Answer, Pause
from dogwatch.core.slots import STRETCH, Gap, Plan
from dogwatch.core.watch import Step, Watch, create, step

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
MINUTE = Plan(schedule=parse("60"), start_by_s=None, slow_after_ms=1000)
TWICE = Plan(schedule=parse("60"), start_by_s=None, failures_before_down=2, successes_before_up=2)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def answered(
    slot: float, outcome: str = "ok", ms: int = 5, next_slot: float | None = None
) -> Answer:
    following = after(slot + 60 if next_slot is None else next_slot)
    return Answer(
        after(slot + 1), f"run-{slot:g}", after(slot), following, Outcome(outcome), outcome,
        started_at=after(slot), duration_ms=ms,
    )  # fmt: skip


def play(script: str, plan: Plan = MINUTE) -> tuple[Watch, str]:
    """Play `"60 ok, 120 fail"` and return the watch and what became of it, flips marked `!`."""
    watch, told = create(plan, NOON, job=True), []
    for word in script.split(", "):
        slot, outcome, *ms = word.split()
        done = step(watch, answered(float(slot), outcome, int(ms[0]) if ms else 5))
        watch = done.watch
        told.append(f"{watch.status}{'!' if done.flip else ''}")
    return watch, " ".join(told)


@pytest.mark.parametrize(
    ("script", "plan", "told"),
    [
        ("60 ok, 120 ok", MINUTE, "up! up"),
        ("60 fail, 120 ok", MINUTE, "down! up!"),
        ("60 ok, 120 timeout", MINUTE, "up! down!"),
        ("60 ok, 120 slow, 180 ok", MINUTE, "up! degraded! up!"),
        ("60 ok, 120 ok 1001, 180 ok 1000", MINUTE, "up! degraded! up!"),
        ("60 ok, 120 fail, 180 slow, 240 ok", MINUTE, "up! down! degraded! up!"),
        ("60 ok, 120 unknown, 180 skipped", MINUTE, "up! up up"),
        ("60 ok, 120 fail, 180 ok, 240 fail", TWICE, "up! up up up"),
        ("60 ok, 120 fail, 180 fail", TWICE, "up! up down!"),
        ("60 ok, 120 fail, 180 fail, 240 ok, 300 ok", TWICE, "up! up down! down up!"),
        ("60 ok, 120 fail, 180 fail, 240 ok, 300 fail, 360 ok", TWICE,
         "up! up down! down down down"),
    ],
)  # fmt: skip
def test_scripts(script: str, plan: Plan, told: str) -> None:
    assert play(script, plan)[1] == told


def lines(done: Step) -> list[tuple[float, str, str]]:
    return [
        ((line.slot_at - NOON).total_seconds(), str(line.outcome), line.reason)
        for line in done.lines
        if line.slot_at
    ]


def test_an_answer_settles_its_slot_and_owes_the_next() -> None:
    done = step(create(MINUTE, NOON, job=True), answered(60))
    assert lines(done) == [(60, "ok", "ok")]
    assert done.watch.slot_at == after(120)
    assert (done.watch.heard, done.watch.ok_at, done.watch.duration_ms) == ("good", after(61), 5)
    assert done.lines[0].started_at == after(60)


def test_the_same_slot_is_settled_once_whoever_comes_again() -> None:
    once = step(create(MINUTE, NOON, job=True), answered(60)).watch
    assert step(once, answered(60, "fail")) == Step(once)


def test_an_answer_to_a_paused_watch_is_dropped() -> None:
    paused = step(create(MINUTE, NOON, job=True), Pause(after(60))).watch
    assert step(paused, answered(60)) == Step(paused)


def test_a_slot_that_was_passed_over_has_its_line() -> None:
    done = step(create(MINUTE, NOON, job=True), answered(120))
    skipped = (60, "skipped", "not asked: the one before was still going")
    assert lines(done) == [skipped, (120, "ok", "ok")]


def test_many_slots_passed_over_have_one_line_that_says_so() -> None:
    done = step(create(MINUTE, NOON, job=True), answered(6000))
    assert lines(done) == [(60, "skipped", STRETCH), (6000, "ok", "ok")]


def test_slots_in_an_outage_of_ours_are_unknown() -> None:
    gap = Gap(after(30), after(100))
    done = step(create(MINUTE, NOON, job=True), answered(120, "fail"), [gap])
    assert lines(done) == [(60, "unknown", "we were not watching"), (120, "fail", "fail")]
    assert done.watch.failures == 1


@given(st.lists(st.tuples(st.integers(0, 20), st.sampled_from(list(Outcome))), max_size=30))
def test_whatever_comes_in_whatever_order_each_slot_has_one_line(
    said: list[tuple[int, Outcome]],
) -> None:
    watch, slots = create(MINUTE, NOON, job=True), []
    for minute, outcome in said:
        done = step(watch, answered(60.0 * minute, outcome))
        assert (done.flip is not None) == (done.watch.status is not watch.status)
        watch = done.watch
        slots += [line.slot_at for line in done.lines]
    assert len(set(slots)) == len(slots)
    assert slots == sorted(slots, key=str)
