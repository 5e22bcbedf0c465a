"""How a workflow goes on, told as scripts: "a ok, b fail" against what starts and what ends."""

import pytest

from dogwatch.core.result import Outcome
from dogwatch.core.workflow.graph import Graph, order
from dogwatch.core.workflow.passing import input_of
from dogwatch.core.workflow.progress import End, State, advance, handled, stop
from tests.core.workflow.graphs import graph

HANDS = {"ok": State(Outcome.OK), "met": State(Outcome.OK, condition=True),
         "slow": State(Outcome.SLOW), "fail": State(Outcome.FAIL, reason="exit status 3"),
         "timeout": State(Outcome.TIMEOUT), "going": State(None),
         "cancelled": State(Outcome.SKIPPED, reason="cancelled"),
         "unmet": State(Outcome.FAIL, condition=True)}  # fmt: skip


def states(text: str) -> dict[str, State]:
    """Read "a ok, b fail"."""
    pairs = (part.split() for part in text.split(",") if part.strip())
    return {key: HANDS[word] for key, word in pairs}


@pytest.mark.parametrize(
    ("edges", "known", "starts", "skips"),
    [
        ("a>b, c>d", "", "a c", ""),
        ("a>b, a>c", "a going", "", ""),
        ("a>b, a>c", "a ok", "b c", ""),
        ("a>b, a>c?failure, a>d?always", "a slow", "b d", "c"),
        ("a>b, a>c?failure, a>d?always", "a timeout", "c d", "b"),
        ("a>b?condition", "a met", "b", ""),
        ("a>b?condition", "a ok", "", "b"),
        ("a>b?condition", "a unmet", "", "b"),
        # joins: all edges decided, one of them followed
        ("a>c, b>c", "a ok, b going", "", ""),
        ("a>c, b>c", "a ok, b fail", "c", ""),
        ("a>c, b>c", "a fail, b fail", "", "c"),
        # what is passed over passes over what hangs on it alone
        ("a>b, b>c, a>d?failure", "a fail", "d", "b c"),
        ("a>b, b>c?always", "a fail", "", "b c"),
        ("a>b, b>d, a>c?failure, c>d", "a fail", "c", "b"),
        # neither well nor badly: nothing follows
        ("a>b?always, a>c?failure", "a cancelled", "", "b c"),
    ],
)
def test_what_starts_and_what_is_passed_over(
    edges: str, known: str, starts: str, skips: str
) -> None:
    moves = advance(graph(edges), states(known))
    assert (list(moves.start), list(moves.skip)) == (starts.split(), skips.split())
    assert all(moves.skip.values())


@pytest.mark.parametrize(
    ("edges", "known", "end"),
    [
        ("a>b", "a ok, b ok", End(Outcome.OK)),
        ("a>b", "a ok, b going", None),
        ("a>b", "a fail", End(Outcome.FAIL, "a failed: exit status 3")),
        ("a>b", "a timeout", End(Outcome.FAIL, "a timed out")),
        ("a>b, a>c?failure", "a fail, c ok", End(
            Outcome.OK, "a failed: exit status 3 (its edge on failure took over)")),
        # an edge that is always followed is no answer to a failure
        ("a>b?always", "a fail, b ok", End(Outcome.FAIL, "a failed: exit status 3")),
        ("a>c?failure, b>c?failure", "a fail, b ok, c fail", End(
            Outcome.FAIL, "c failed: exit status 3")),
        ("a>b", "a cancelled", End(Outcome.SKIPPED, "a: cancelled")),
    ],
)  # fmt: skip
def test_how_it_ends(edges: str, known: str, end: End | None) -> None:
    assert advance(graph(edges), states(known)).end == end


def test_why_a_node_was_passed_over() -> None:
    made = graph("a>d, b>d?failure, c>d?condition")
    moves = advance(made, states("a fail, b ok, c ok"))
    assert moves.skip["d"] == (
        "a ended fail, and the edge asks for success; b ended ok, and the edge asks for failure; "
        "c did not set its condition"
    )
    assert advance(graph("a>b, b>c"), states("a fail")).skip["c"] == "b did not run"


def test_of_many_reasons_the_first_are_told() -> None:
    failing = graph("", *(f"n{n}" for n in range(9)))
    end = advance(failing, {node.key: HANDS["fail"] for node in failing.nodes}).end
    assert end
    assert end.reason.endswith("n4 failed: exit status 3; and 4 more nodes")


def test_an_empty_workflow_fails() -> None:
    assert advance(Graph(), {}).end == End(Outcome.FAIL, "it has no nodes")


def test_a_failure_is_handled_by_an_edge_on_failure_alone() -> None:
    made = graph("a>b?failure, a>c?always")
    assert handled(made, "a", HANDS["fail"])
    assert not handled(made, "a", HANDS["ok"])
    assert not handled(graph("a>b?always"), "a", HANDS["fail"])


def test_stopping_starts_nothing_and_ends_once_nothing_runs() -> None:
    made, end = graph("a>b, c>d"), End(Outcome.SKIPPED, "by hand")
    moves = stop(made, states("a ok, c going"), end)
    assert (moves.start, moves.skip, moves.end) == ((), {"b": "by hand", "d": "by hand"}, None)
    assert stop(made, states("a ok, c cancelled"), end).end == end


@pytest.mark.parametrize(
    ("edges", "key", "known", "outputs", "given"),
    [
        ("a>b", "a", "", {}, '{"x":1}'),
        ("a>b", "b", "a ok", {"a": "[1]"}, "[1]"),
        ("a>b", "b", "a ok", {}, '{"x":1}'),
        # what failed hands nothing on
        ("a>b?failure", "b", "a fail", {"a": "[1]"}, '{"x":1}'),
        ("a>b, a>b?always", "b", "a ok", {"a": "2"}, "2"),
        ("a>c, b>c", "c", "a ok, b ok", {"a": "1", "b": '"t"'}, '{"a":1,"b":"t"}'),
        ("a>c, b>c", "c", "a ok, b ok", {"b": "7"}, '{"a":null,"b":7}'),
        ("a>c, b>c", "c", "a ok, b fail", {"a": "1", "b": "2"}, '{"a":1}'),
        ("a>c, b>c?always", "c", "a ok, b fail", {"a": "1", "b": "2"}, '{"a":1,"b":null}'),
    ],
)
def test_what_a_node_is_given(
    edges: str, key: str, known: str, outputs: dict[str, str], given: str
) -> None:
    assert input_of(graph(edges), key, states(known), outputs, '{"x":1}') == given


def test_nodes_are_decided_in_an_order_that_follows_the_edges() -> None:
    assert order(graph("c>d, a>c, b>c")) == ("a", "b", "c", "d")
