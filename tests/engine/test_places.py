"""Places: an endpoint that hangs costs only itself, one that answers is sent more at once."""

import math
from datetime import UTC, datetime

import pytest

from dogwatch.engine.places import FEW, MANY, QUICK_S, STALLED_S, Place, Places
from dogwatch.store.tasks import Task

AT = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


def begin(places: Places, endpoint: str = "a", now: float = 0, workspace_id: int = 1) -> Place:
    """Begin a send."""
    task = Task(1, workspace_id, "delivery", "d", None, endpoint, AT, 1, "node")
    return places.begin(task, now)


def answer(places: Places, took_s: float = 0.1, *, success: bool = True) -> int:
    """Send once to an endpoint, hear its answer, and return how many it may have at once."""
    place = begin(places)
    places.heard(place, took_s, success=success)
    places.end(place)
    return places.room(took_s).windows["a"]


def test_an_unknown_endpoint_is_sent_one_at_a_time() -> None:
    room = Places(20).room(0)
    assert (room.limit, room.per_endpoint, room.per_workspace, dict(room.windows)) == (
        20, 1, 10, {},
    )  # fmt: skip


def test_each_success_lets_one_more_go_at_once() -> None:
    places = Places(20)
    assert [answer(places) for _ in range(MANY + 5)] == [*range(2, MANY + 1), *[MANY] * 6]


def test_a_failure_lets_one_go_again() -> None:
    places = Places(20)
    assert [answer(places), answer(places), answer(places, success=False)] == [2, 3, 1]


def test_slow_answers_open_it_to_a_few_and_close_nothing() -> None:
    places = Places(20)
    slow = 2 * QUICK_S
    assert [answer(places, slow) for _ in range(FEW + 2)] == [2, 3, 4, 4, 4, 4]
    assert [answer(places), answer(places, slow)] == [5, 5]


def test_what_was_learnt_is_kept_while_something_is_under_way() -> None:
    places = Places(20)
    place = begin(places)
    places.heard(place, 0.1, success=True)
    places.rest()
    assert places.room(0.1).windows == {"a": 2}
    places.end(place)
    places.rest()
    assert places.room(0.1).windows == {}


def test_a_stalled_send_leaves_its_place_to_others_but_not_at_its_endpoint() -> None:
    places = Places(20)
    begin(places)
    early, late = places.room(STALLED_S / 2), places.room(STALLED_S)
    assert (early.limit, early.workspaces[1], early.endpoints["a"]) == (19, 1, 1)
    assert (late.limit, late.workspaces[1], late.endpoints["a"]) == (20, 0, 1)


def test_a_workspace_of_stalled_sends_keeps_its_own_bounds() -> None:
    places = Places(20)
    for number in range(45):
        begin(places, f"endpoint {number}")
    room = places.room(1)
    assert (room.workspaces[1], room.limit) == (5, 15)


def test_stalled_sends_are_bounded_over_all() -> None:
    places = Places(20)
    for number in range(78):
        begin(places, f"endpoint {number}", workspace_id=number)
    assert places.room(1).limit == 2


def test_the_next_stall_is_foretold() -> None:
    places = Places(20)
    assert places.stalls_in_s(0) == math.inf
    begin(places, "a", 0)
    begin(places, "b", 0.1)
    assert places.stalls_in_s(0.1) == STALLED_S - 0.1
    assert places.stalls_in_s(STALLED_S) == pytest.approx(0.1)
    assert places.stalls_in_s(1) == math.inf
