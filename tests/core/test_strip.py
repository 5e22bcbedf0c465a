"""Strips: the worst of each cell, told by changes of status."""

from datetime import UTC, datetime, timedelta

import pytest

from dogwatch.core.strip import Turn, lengths, strip
from dogwatch.core.watch import Status

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
HALF = timedelta(minutes=30)
SIGNS = {
    "n": Status.NEW,
    "u": Status.UP,
    "g": Status.DEGRADED,
    "d": Status.DOWN,
    "p": Status.PAUSED,
}


@pytest.mark.parametrize(
    ("first", "turns", "cells"),
    [
        ("u", "", "uuuu"),
        ("n", "10u", "uuuu"),
        ("u", "10d 20u", "duuu"),
        ("u", "29d 31u", "dduu"),
        ("u", "30d 60u", "udduu"[:4]),
        ("u", "45g", "uggg"),
        ("u", "5g 6d 7u", "duuu"),
        ("u", "40p 100u", "uupu"),
        ("d", "119u", "dddd"),
    ],
)
def test_a_cell_shows_the_worst_it_holds(first: str, turns: str, cells: str) -> None:
    told = [
        Turn(NOON + timedelta(minutes=int(turn[:-1])), SIGNS[turn[-1]]) for turn in turns.split()
    ]
    found = strip(SIGNS[first], told, NOON, HALF, 4)
    assert found == [SIGNS[sign] for sign in cells]


def test_turns_before_the_first_cell_are_left_out() -> None:
    early = [Turn(NOON - HALF, Status.DOWN)]
    assert strip(Status.UP, early, NOON, HALF, 2) == [Status.UP, Status.UP]


def test_equal_neighbours_are_one_bar() -> None:
    cells = [Status.UP, Status.UP, Status.DOWN, Status.UP]
    assert lengths(cells) == [(Status.UP, 2), (Status.DOWN, 1), (Status.UP, 1)]
    assert lengths([]) == []
