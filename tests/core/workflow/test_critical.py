"""The way that took longest: "a 3, b 9" are the seconds at which nodes ended."""

from datetime import UTC, datetime, timedelta

import pytest

from dogwatch.core.workflow.critical import critical
from tests.core.workflow.graphs import graph

AT = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("edges", "ends", "way"),
    [
        ("a>b", "", ""),
        ("a>b", "a 3", "a"),
        ("a>b, b>c", "a 1, b 2, c 3", "a b c"),
        ("a>d, b>d, c>d", "a 1, b 7, c 2, d 9", "b d"),
        ("a>b, a>c, b>d, c>d", "a 1, b 2, c 5, d 6", "a c d"),
        ("a>b, a>c?failure, c>d", "a 1, c 5", "a c"),
        ("a>b, b>c, x>y", "a 1, b 2, x 3, y 4", "x y"),
    ],
)
def test_the_longest_way(edges: str, ends: str, way: str) -> None:
    pairs = [one.split() for one in ends.split(", ") if one]
    ended = {key: AT + timedelta(seconds=int(after)) for key, after in pairs}
    assert " ".join(critical(graph(edges), ended)) == way
