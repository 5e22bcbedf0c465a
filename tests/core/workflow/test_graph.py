"""The graph of a workflow: what is refused, and where."""

import pytest

from dogwatch.core.conditional import On
from dogwatch.core.workflow.graph import Edge, Graph, Node, faults, order
from tests.core.workflow.graphs import graph

GOOD = graph("a>b, a>c, b>d, c>d")


def test_a_good_graph_has_no_faults() -> None:
    assert faults(GOOD) == {}
    assert order(GOOD) == ("a", "b", "c", "d")
    assert faults(Graph()) == {}


@pytest.mark.parametrize(
    ("bad", "place", "told"),
    [
        (graph("a>a"), "edges.0", "a would follow itself"),
        (graph("a>b, b>c, c>a"), "edges", "they go round in a circle: a → b → c → a"),
        (graph("s>a, a>b, b>a, b>e"), "edges", "they go round in a circle: a → b → a"),
        (graph("a>b, a>b"), "edges.1", "a → b on success is there already"),
        (Graph((Node("a", "j"), Node("a", "j"))), "nodes.1.key", "a is there already"),
        (Graph((Node("a b", "j"),)), "nodes.0.key", "use 1 to 64 letters, digits, _, . and -"),
        (Graph((Node("a", "j", retries=20),)), "nodes.0.retries", "a whole number from 0 to 19"),
        (Graph((Node("a", "j", timeout_s=0),)), "nodes.0.timeout_s", "give 1 to 604800 seconds"),
        (Graph((Node("a", "j"),), (Edge("a", "z"),)), "edges.0.target", "there is no node 'z'"),
        (Graph((Node("a", "j"),), (Edge("y", "a"),)), "edges.0.source", "there is no node 'y'"),
        (Graph(tuple(Node(f"n{n}", "j") for n in range(201))), "nodes", "at most 200 nodes"),
    ],
)
def test_faults_are_named_by_their_place(bad: Graph, place: str, told: str) -> None:
    assert told in faults(bad)[place]


def test_two_nodes_may_be_joined_by_edges_of_different_kinds() -> None:
    both = Graph(GOOD.nodes, (Edge("a", "b", On.SUCCESS), Edge("a", "b", On.FAILURE)))
    assert faults(both) == {}


def test_a_circle_is_found_wherever_it_hangs() -> None:
    tail = graph("x>a, a>b, b>c, c>b, c>d, d>e")
    assert faults(tail)["edges"].endswith("b → c → b")


def test_what_comes_after_a_node() -> None:
    assert graph("a>b, b>c, a>d, d>e").after("b") == {"c"}
    assert GOOD.after("a") == {"b", "c", "d"}


def test_jobs_under_other_names() -> None:
    assert [n.job for n in graph("a>b").with_jobs({"job-a": "1"}).nodes] == ["1", "job-b"]
