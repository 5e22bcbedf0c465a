"""The clock that nodes share follows the database's, and our own monotonic seconds in between."""

from datetime import timedelta

from dogwatch.clock import SharedClock
from tests.harness.clock import START_AT, ManualClock

HOUR = timedelta(hours=1)


def test_until_it_is_told_it_is_our_own(manual_clock: ManualClock) -> None:
    clock = SharedClock(manual_clock)
    assert (clock.now(), clock.monotonic()) == (START_AT, manual_clock.monotonic())


def test_it_carries_on_what_it_was_told(manual_clock: ManualClock) -> None:
    clock = SharedClock(manual_clock)
    clock.agree(START_AT + HOUR, manual_clock.monotonic())
    manual_clock.advance(2)
    assert clock.now() == START_AT + HOUR + timedelta(seconds=2)


def test_our_wall_clock_may_be_set(manual_clock: ManualClock) -> None:
    clock = SharedClock(manual_clock)
    clock.agree(START_AT, manual_clock.monotonic())
    manual_clock.step_wall(-7200)
    assert clock.now() == START_AT


def test_the_time_was_read_midway(manual_clock: ManualClock) -> None:
    clock = SharedClock(manual_clock)
    asked_s = manual_clock.monotonic()
    manual_clock.advance(2)
    clock.agree(START_AT + HOUR, asked_s)
    assert clock.now() == START_AT + HOUR + timedelta(seconds=1)


def test_a_difference_within_what_the_question_took_is_none(manual_clock: ManualClock) -> None:
    clock = SharedClock(manual_clock)
    asked_s = manual_clock.monotonic()
    manual_clock.advance(2)
    clock.agree(START_AT + timedelta(seconds=1.9), asked_s)
    assert clock.now() == START_AT + timedelta(seconds=2)
