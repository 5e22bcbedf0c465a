"""A workflow drawn in lines of text: each node below what it follows, its edges below it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dogwatch.core.workflow.graph import Graph, leaving
from dogwatch.core.workflow.layout import layers

MARKS: Mapping[str, str] = {
    "ok": "✓", "slow": "▲", "fail": "✕", "timeout": "✕", "skipped": "○", "running": "◔",
    "waiting": "·",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the drawing; `state` is that of the node it speaks of, or that an edge leads to."""

    text: str
    state: str


def drawn(graph: Graph, states: Mapping[str, str], notes: Mapping[str, str]) -> list[Line]:
    """Return the lines; `states` are outcomes, running or waiting by node, `notes` told beside."""
    rows = layers(graph)
    width = max((len(key) for row in rows for key in row), default=0)
    lines: list[Line] = []
    for row in rows:
        if lines:
            lines.append(Line("", ""))
        for key in row:
            lines += _node(graph, key, width, states, notes)
    return lines


def _node(
    graph: Graph, key: str, width: int, states: Mapping[str, str], notes: Mapping[str, str]
) -> Sequence[Line]:
    state = states.get(key, "waiting")
    head = f"{MARKS.get(state, '?')} {key.ljust(width)}  {notes.get(key, '')}".rstrip()
    edges = leaving(graph).get(key, ())
    below = [
        Line(
            f"{'└' if edge is edges[-1] else '├'}─ {edge.on} ─▶ {edge.target}",
            states.get(edge.target, "waiting"),
        )
        for edge in edges
    ]
    return [Line(head, state), *below]
