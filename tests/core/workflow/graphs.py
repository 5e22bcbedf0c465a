"""Graphs in few letters: "a>b, a>c?failure, b>d" are edges; the nodes follow from them."""

from dogwatch.core.conditional import On
from dogwatch.core.workflow.graph import Edge, Graph, Node


def graph(text: str, *more: str) -> Graph:
    """Return the graph of some edges, in order; `more` are nodes without any."""
    edges = tuple(_edge(part.strip()) for part in text.split(",") if part.strip())
    keys = dict.fromkeys([key for edge in edges for key in (edge.source, edge.target)])
    return Graph(tuple(Node(key, f"job-{key}") for key in [*keys, *more]), edges)


def _edge(text: str) -> Edge:
    ends, _, on = text.partition("?")
    source, _, target = ends.partition(">")
    return Edge(source, target, On(on or "success"))
