"""What may be said of a status page, and what its state follows from."""

from typing import Any

import pytest

from dogwatch.core.problems import Problem
from dogwatch.core.status_page import (
    Item,
    PageSpec,
    check,
    check_post,
    check_update,
    state_of_item,
    state_of_page,
)
from dogwatch.core.watch import Status

NEW, UP, DEGRADED, DOWN, PAUSED = Status


@pytest.mark.parametrize(
    ("statuses", "state"),
    [
        ([], "unknown"), ([NEW, PAUSED], "unknown"), ([UP], "operational"),
        ([UP, PAUSED], "operational"), ([DEGRADED, UP], "degraded"), ([DOWN, UP], "degraded"),
        ([DOWN], "down"), ([DOWN, DOWN, NEW], "down"),
    ],
)  # fmt: skip
def test_an_item_is_as_its_watches(statuses: list[Status], state: str) -> None:
    assert state_of_item(statuses) == state


@pytest.mark.parametrize(
    ("statuses", "maintained", "state"),
    [
        ([], [DOWN], "maintenance"), ([UP], [DEGRADED], "maintenance"), ([], [UP], "operational"),
        ([DOWN], [DOWN], "down"), ([DOWN], [UP], "degraded"), ([DEGRADED], [DOWN], "degraded"),
        ([PAUSED], [NEW], "unknown"), ([PAUSED], [DOWN, UP], "maintenance"),
    ],
)  # fmt: skip
def test_trouble_under_maintenance_is_expected(
    statuses: list[Status], maintained: list[Status], state: str
) -> None:
    assert state_of_item(statuses, maintained) == state


@pytest.mark.parametrize(
    ("states", "state"),
    [
        ([], "operational"), (["unknown"], "operational"), (["operational"], "operational"),
        (["degraded", "operational"], "degraded"), (["down", "operational"], "down"),
        (["degraded", "down"], "down"), (["maintenance", "operational"], "maintenance"),
        (["maintenance", "degraded"], "degraded"),
    ],
)  # fmt: skip
def test_a_page_is_as_its_worst_item(states: list[str], state: str) -> None:
    assert state_of_page(states) == state


@pytest.mark.parametrize(
    ("states", "impacts", "state"),
    [
        (["operational"], ["minor"], "operational"), (["operational"], ["major"], "degraded"),
        ([], ["minor", "critical"], "down"), (["down"], ["major"], "down"),
        (["degraded"], ["critical", "major"], "down"),
    ],
)  # fmt: skip
def test_a_page_is_never_better_than_people_say(
    states: list[str], impacts: list[str], state: str
) -> None:
    assert state_of_page(states, impacts) == state


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"title": " "}, "title"),
    ({"title": "x" * 201}, "title"),
    ({"title": "a\nb"}, "title"),
    ({"title": "\ud800"}, "title"),
    ({"slug": "ab"}, "slug"),
    ({"slug": "-abc"}, "slug"),
    ({"slug": "Abc"}, "slug"),
    ({"slug": "a.json"}, "slug"),
    ({"slug": "x" * 65}, "slug"),
    ({"description": "x" * 1001}, "description"),
    ({"description": "a\x00"}, "description"),
    ({"items": (Item("", "w"),)}, "items.0.name"),
    ({"items": (Item("a", "w"), Item("a", "v"))}, "items.1.name"),
    ({"items": (Item("a"),)}, "items.0.watch"),
    ({"items": (Item("a", "w", "t"),)}, "items.0.watch"),
    ({"items": tuple(Item(f"n{n}", "w") for n in range(101))}, "items"),
]


@pytest.mark.parametrize(("said", "field"), WRONG, ids=lambda one: repr(one)[:30])
def test_a_bad_field_is_named(said: dict[str, Any], field: str) -> None:
    with pytest.raises(Problem) as told:
        check(PageSpec(**{"title": "x"} | said))
    assert list(told.value.fields) == [field]


@pytest.mark.parametrize(
    ("title", "impact", "state", "text", "fields"),
    [
        ("", "huge", "resolved", "x", {"title", "impact"}),
        ("x", "minor", "over", "", {"state", "text"}),
        ("x", "minor", "resolved", "x" * 4001, {"text"}),
        ("x", "minor", "resolved", "a\x00", {"text"}),
    ],
)
def test_posts_are_judged(title: str, impact: str, state: str, text: str, fields: set[str]) -> None:
    found = set[str]()
    for judge, said in ((check_post, (title, impact)), (check_update, (state, text))):
        try:
            judge(*said)
        except Problem as problem:
            found |= set(problem.fields)
    assert found == fields
