"""How many items ran together, counted from the starts and ends of their runs."""

from datetime import timedelta

import pytest

from dogwatch.usecases.overview import Chosen
from dogwatch.usecases.timeline import CELLS, around, timeline_of
from tests.harness.flowing import Flowing
from tests.harness.house import House, after


def most(house: House, at: float, hours: int = 24) -> tuple[int, float]:
    """Return how many ran together at most, and when first, in seconds."""
    past = timedelta(hours=hours)
    stretch = around(after(at), past)
    found = house.see(timeline_of, house.workspace.id, Chosen(), stretch, after(at))
    count, when = found.busiest
    assert len(found.together) == CELLS
    return count, (when - after(0)).total_seconds()


def test_runs_within_one_cell_did_not_run_together(house: House) -> None:
    flowing = Flowing(house)
    flowing.make("a>b")
    flowing.trigger()
    flowing.finish(flowing.claim(1)["a"], 4)
    flowing.finish(flowing.claim(4)["b"], 6)
    assert most(house, 60) == (1, 1)


@pytest.mark.parametrize("hours", [3, 168])
def test_what_overlaps_is_counted_from_its_start(house: House, hours: int) -> None:
    flowing = Flowing(house)
    flowing.make("a>d, b>d, c>d")
    flowing.trigger()
    works = flowing.claim(2)
    flowing.finish(works["a"], 5)
    assert most(house, 7, hours) == (3, 2)
    for name in "bc":
        flowing.finish(works[name], 8)
    flowing.finish(flowing.claim(9)["d"], 10)
    assert most(house, 4000, hours) == (3, 2)
