"""Copies of what every ping makes a dozen of."""

import pytest

from dogwatch.core.data import data, replace


@data()
class Point:
    x: int = 0
    y: int = 0


def test_a_copy_has_the_changes_and_the_original_has_not() -> None:
    one = Point(x=1, y=2)
    assert replace(one, y=3) == Point(x=1, y=3)
    assert one == Point(x=1, y=2)


def test_a_change_of_no_field_is_refused() -> None:
    with pytest.raises(AttributeError):
        replace(Point(), z=1)
