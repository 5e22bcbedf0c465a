"""Where the nodes of a workflow are drawn: in layers, each below all that it follows.

The layers are found and sorted as by K. Sugiyama, S. Tagawa and M. Toda (1981): an edge that
passes layers has a free place in each of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dogwatch.core.conditional import On
from dogwatch.core.workflow.graph import Edge, Graph, entering, order

_SWEEPS = 4


class Lane(NamedTuple):
    """A free place in a layer, where edges to a node pass; those of one kind share it."""

    target: str
    on: On
    depth: int


Place = str | Lane
Rows = tuple[tuple[Place, ...], ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """Keys of nodes, and lanes, by layer, from the top, each layer from left to right."""

    rows: Rows
    depths: Mapping[str, int]

    def between(self, edge: Edge) -> list[Lane]:
        """Return the lanes that an edge takes from its source down to its target."""
        passed = range(self.depths[edge.source] + 1, self.depths[edge.target])
        return [Lane(edge.target, edge.on, depth) for depth in passed]


def layers(graph: Graph) -> tuple[tuple[str, ...], ...]:
    """Return the keys of the nodes by layer, from the top, each layer from left to right.

    An edge always leads to a lower layer; within one, nodes stand near their sources.
    """
    rows = layout(graph).rows
    return tuple(tuple(one for one in row if isinstance(one, str)) for row in rows)


def layout(graph: Graph) -> Layout:
    """Return the layers with the lanes of the edges that pass them."""
    depth = depths(graph)
    sources = _sources(graph, depth)
    rows: list[list[Place]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for one in sources:
        rows[one.depth if isinstance(one, Lane) else depth[one]].append(one)
    for _ in range(_SWEEPS):
        place = {one: _share(row, at) for row in rows for at, one in enumerate(row)}
        for row in rows[1:]:
            _settle(sources, row, place)
    return Layout(tuple(map(tuple, rows)), depth)


def depths(graph: Graph) -> Mapping[str, int]:
    """Return how many edges the longest way to each node has."""
    found: dict[str, int] = {}
    into = entering(graph)
    for key in order(graph):
        found[key] = max((found[edge.source] + 1 for edge in into.get(key, ())), default=0)
    return found


def _sources(graph: Graph, depth: Mapping[str, int]) -> dict[Place, list[Place]]:
    """Return all nodes, then all lanes, each with what lies right before it on an edge."""
    found: dict[Place, list[Place]] = {key: [] for key in order(graph)}
    for edge in graph.edges:
        if edge.source not in depth or edge.target not in depth:
            continue
        before: Place = edge.source
        for at in range(depth[edge.source] + 1, depth[edge.target]):
            lane = Lane(edge.target, edge.on, at)
            shared = lane in found
            found.setdefault(lane, []).append(before)
            if shared:
                break
            before = lane
        else:
            found[edge.target].append(before)
    return found


def _share(row: Sequence[Place], at: int) -> float:
    """Return a place in a row, from 0 to 1."""
    return (at + 0.5) / len(row)


def _settle(
    sources: Mapping[Place, Sequence[Place]], row: list[Place], place: dict[Place, float]
) -> None:
    """Sort a row by where what lies before stands."""
    middle = {one: _middle(sources[one], place, place[one]) for one in row}
    row.sort(key=middle.__getitem__)
    place.update({one: _share(row, at) for at, one in enumerate(row)})


def _middle(sources: Sequence[Place], place: Mapping[Place, float], own: float) -> float:
    return sum(place[one] for one in sources) / len(sources) if sources else own
