"""Workflows that somebody wrote: read, or refused with every fault by its place; and drawn."""

from typing import Any

import pytest

from dogwatch.core.problems import Problem
from dogwatch.core.workflow.definition import to_json
from dogwatch.core.workflow.drawing import drawn
from dogwatch.core.workflow.reading import read
from tests.core.workflow.graphs import graph

GOOD: dict[str, Any] = {
    "name": "Orders",
    "schedule": "0 3 * * *",
    "starts_at": "2036-01-01T00:00:00+00:00",
    "tags": ["a"],
    "overlap": "queue_one",
    "timeout_s": 60.5,
    "webhook": True,
    "nodes": [{"key": "a", "job": "one"}, {"key": "b", "job": "two", "retries": 1, "x": 2}],
    "edges": [{"source": "a", "target": "b", "on": "failure"}],
}


def test_what_is_read_is_written_again() -> None:
    assert to_json(read(GOOD)) == GOOD
    short = {"name": "x", "nodes": [], "edges": []}
    assert to_json(read({"name": "x", "timezone": None})) == short
    hours = {**GOOD, "timeout_s": 3600.0, "nodes": [{"key": "a", "job": "one", "timeout_s": 60}]}
    assert str(to_json(read({**hours, "edges": []}))).count(".0") == 0


@pytest.mark.parametrize(
    ("changes", "place", "told"),
    [
        ({"name": None}, "name", "is required"),
        ({"name": " "}, "name", "give 1 to 200 characters"),
        ({"schedual": "x"}, "schedual", "is not a field here; check its spelling"),
        ({"schedule": 60}, "schedule", "must be text"),
        ({"schedule": "never"}, "schedule", ""),
        ({"max_runs": True}, "max_runs", "must be a whole number"),
        ({"webhook": "yes"}, "webhook", "must be true or false"),
        ({"overlap": "maybe"}, "overlap", "use one of skip, queue_one, allow, cancel_previous"),
        ({"starts_at": "soon"}, "starts_at", "give a time in ISO 8601"),
        ({"priority": 9}, "priority", "give a whole number from 0 to 3"),
        ({"nodes": [3]}, "nodes.0", "must be an object"),
        ({"nodes": [{"key": "a"}]}, "nodes.0.job", "is required"),
        ({"nodes": "a, b"}, "nodes", "must be a list"),
        ({"edges": [{"source": "a", "target": "b", "on": "done"}]}, "edges.0.on", "use one of"),
        ({"edges": [{"source": "a", "target": "z"}]}, "edges.0.target", "there is no node 'z'"),
        ({"timeout_s": 0}, "timeout_s", "give 1 to 2678400 seconds"),
    ],
)
def test_faults_have_their_place(changes: dict[str, Any], place: str, told: str) -> None:
    with pytest.raises(Problem) as problem:
        read(GOOD | changes)
    assert told in problem.value.fields[place]


def test_all_faults_are_told_at_once_and_none_that_comes_of_another() -> None:
    nodes = [{"key": "a", "job": "one", "retires": 2}, {"key": "a", "job": "two"}, {"key": "c"}, 3]
    edges = [
        {"source": "a", "target": "z", "on": "sucess"},
        {"source": "c", "target": "c"},
        {},
        {"source": "a", "target": "c"},
    ]
    wrong = {"slug": "No Slug", "schedule": "0 3 * *", "timezone": "Europe/Warsow", "colour": "red",
             "timeout_s": -5, "priority": "high", "nodes": nodes, "edges": edges}  # fmt: skip
    with pytest.raises(Problem) as problem:
        read(wrong)
    assert sorted(problem.value.fields) == [
        "colour", "edges.0.on", "edges.0.target", "edges.1", "edges.2.source", "edges.2.target",
        "name", "nodes.0.retires", "nodes.1.key", "nodes.2.job", "nodes.3", "priority", "schedule",
        "slug", "timeout_s", "timezone",
    ]  # fmt: skip


def test_what_is_no_object_at_all() -> None:
    with pytest.raises(Problem, match="must be an object"):
        read(["a"])
    with pytest.raises(Problem, match="name: is required"):
        read({})


def test_a_drawing() -> None:
    states = {"a": "ok", "b": "running"}
    lines = drawn(graph("a>b, a>c?failure, b>d"), states, {"a": "fetch"})
    assert [(line.text, line.state) for line in lines] == [
        ("✓ a  fetch", "ok"),
        ("├─ success ─▶ b", "running"),
        ("└─ failure ─▶ c", "waiting"),
        ("", ""),
        ("◔ b", "running"),
        ("└─ success ─▶ d", "waiting"),
        ("◌ c", "waiting"),
        ("", ""),
        ("◌ d", "waiting"),
    ]
