"""One table of shapes and words, for pages, pictures and terminals."""

import re
from importlib.resources import files

from dogwatch.core.result import Outcome
from dogwatch.core.states import LOOKS, look, marked
from dogwatch.core.watch import Status


def test_every_state_has_a_shape_and_a_word() -> None:
    assert LOOKS.keys() >= {*map(str, Status), *map(str, Outcome), "late", "running", "silenced"}
    assert all(len(one.shape) == 1 and one.word for one in LOOKS.values())


def test_a_shape_belongs_to_one_meaning_of_an_item() -> None:
    of_items = ("new", "up", "late", "degraded", "down", "paused", "silenced", "running")
    assert len({look(one).shape for one in of_items}) == len(of_items)
    assert marked("up") == "✓ OK"
    assert marked("down") == "✕ Down"


def test_what_nobody_knows_is_told_as_it_is() -> None:
    assert marked("odd") == "· odd"


def test_nobody_else_has_words_of_their_own() -> None:
    """A shape stands in no other source than in the table, but in what is no state of these."""
    shapes = re.compile("[◌▲◐‖◔⌂]")
    for name in ("cli/output.py", "cli/runs.py", "core/workflow/drawing.py"):
        assert not shapes.search(files("dogwatch").joinpath(name).read_text())
