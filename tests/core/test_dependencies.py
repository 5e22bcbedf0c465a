"""Who stands above whom, and circles."""

from dogwatch.core.dependencies import above, below, cycle

GRAPH = {"web": {"db", "router"}, "db": {"disk"}, "disk": {"router"}}


def test_a_circle_is_told_with_its_path() -> None:
    assert cycle(GRAPH, "router", {"web"}) == ["router", "web", "router"]
    assert cycle(GRAPH, "disk", {"web"}) == ["disk", "web", "db", "disk"]
    assert cycle(GRAPH, "web", {"web"}) == ["web", "web"]


def test_two_ways_to_the_same_are_no_circle() -> None:
    assert cycle(GRAPH, "page", {"web", "router"}) == []
    assert cycle({}, "a", {"b"}) == []


def test_above_and_below() -> None:
    assert list(above(GRAPH, "web")) == ["db", "router", "disk"]
    assert list(above(GRAPH, "router")) == []
    assert below(GRAPH, ["router"]) == {"web", "db", "disk"}
    assert below(GRAPH, ["web"]) == set()


def test_a_circle_that_is_there_already_ends() -> None:
    circle = {"a": {"b"}, "b": {"a"}}
    assert list(above(circle, "a")) == ["b"]
    assert below(circle, ["a"]) == {"a", "b"}
