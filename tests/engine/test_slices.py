"""Slices: as large as fits between two pings, and no larger."""

import pytest

from dogwatch.engine.slices import Slices
from tests.harness.clock import ManualClock

ENOUGH_S = 0.025


@pytest.mark.parametrize(
    ("took_s", "done", "size"),
    [
        (0.0, 50, 100),
        (0.0, 49, 50),
        (ENOUGH_S * 0.9, 50, 50),
        (ENOUGH_S * 2, 50, 50),
    ],
)
def test_the_next_is_larger_where_a_full_one_was_quick(took_s: float, done: int, size: int) -> None:
    clock = ManualClock()
    slices = Slices(clock, ENOUGH_S, 50, 500)
    assert slices.begin() == 50
    clock.advance(took_s)
    slices.end(done)
    assert slices.size == size


def test_it_stays_between_its_bounds() -> None:
    clock = ManualClock()
    slices = Slices(clock, ENOUGH_S, 50, 500)
    for _ in range(9):
        slices.end(slices.begin())
    assert slices.size == 500
    for size in (250, 125, 62, 50, 50):
        slices.begin()
        clock.advance(1)
        slices.end(500)
        assert slices.size == size
