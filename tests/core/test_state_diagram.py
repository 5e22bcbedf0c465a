"""The documented state machine is the one that runs."""

from dogwatch.core.watch import TABLE, Event, Status
from tools.state_diagram import EVENTS, PAGE, STATUSES, diagram, page


def test_the_page_is_what_the_tool_makes() -> None:
    assert PAGE.read_text() == page(), "run python tools/state_diagram.py"


def test_everything_is_explained_and_drawn() -> None:
    assert list(STATUSES) == list(Status)
    assert list(EVENTS) == list(Event)
    assert diagram().count("-->") == len(TABLE) + 1
