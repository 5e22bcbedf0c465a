"""A workflow drawn in lines of text: each node below what it follows, its edges below it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dogwatch.core.states import look
from dogwatch.core.workflow.graph import Edge, Graph, leaving
from dogwatch.core.workflow.layout import layers


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the drawing; `state` is that of the node it speaks of, or that an edge leads to."""

    text: str
    state: str


def drawn(
    graph: Graph, states: Mapping[str, str], notes: Mapping[str, str], way: Sequence[str] = ()
) -> list[Line]:
    """Return the lines; `states` are outcomes, running or waiting by node, `notes` told beside.

    Edges of `way`, the one that took longest, are bold.
    """
    bold = frozenset(pairwise(way))
    rows = layers(graph)
    width = max((len(key) for row in rows for key in row), default=0)
    lines: list[Line] = []
    for row in rows:
        if lines:
            lines.append(Line("", ""))
        for key in row:
            lines += _node(graph, key, width, states, notes, bold)
    return lines


def _node(
    graph: Graph, key: str, width: int, states: Mapping[str, str], notes: Mapping[str, str],
    bold: Collection[tuple[str, str]],
) -> Sequence[Line]:  # fmt: skip
    state = states.get(key, "waiting")
    head = f"{look(state).shape} {key.ljust(width)}  {notes.get(key, '')}".rstrip()
    edges = leaving(graph).get(key, ())
    below = [
        Line(_edge(edge, bold, last=edge is edges[-1]), states.get(edge.target, "waiting"))
        for edge in edges
    ]
    return [Line(head, state), *below]


def _edge(edge: Edge, bold: Collection[tuple[str, str]], *, last: bool) -> str:
    line = "━" if (edge.source, edge.target) in bold else "─"
    return f"{'└' if last else '├'}{line} {edge.on} {line}▶ {edge.target}"
