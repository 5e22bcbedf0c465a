"""Where the nodes of a workflow are drawn: in layers, each below all that it follows."""

from collections.abc import Mapping, Sequence

from dogwatch.core.workflow.graph import Graph, entering, order

_SWEEPS = 4


def layers(graph: Graph) -> tuple[tuple[str, ...], ...]:
    """Return the keys of the nodes by layer, from the top, each layer from left to right.

    An edge always leads to a lower layer; within one, nodes stand near their sources.
    """
    depth = depths(graph)
    rows: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for key in order(graph):
        rows[depth[key]].append(key)
    for _ in range(_SWEEPS):
        place = {key: _share(row, at) for row in rows for at, key in enumerate(row)}
        for row in rows[1:]:
            _settle(graph, row, place)
    return tuple(map(tuple, rows))


def depths(graph: Graph) -> Mapping[str, int]:
    """Return how many edges the longest way to each node has."""
    found: dict[str, int] = {}
    for key in order(graph):
        edges = entering(graph).get(key, ())
        found[key] = max((found[edge.source] + 1 for edge in edges), default=0)
    return found


def _share(row: Sequence[str], at: int) -> float:
    """Return a place in a row, from 0 to 1."""
    return (at + 0.5) / len(row)


def _settle(graph: Graph, row: list[str], place: dict[str, float]) -> None:
    """Sort a row by where the sources of its nodes stand."""
    middle = {key: _middle(graph, key, place) for key in row}
    row.sort(key=middle.__getitem__)
    place.update({key: _share(row, at) for at, key in enumerate(row)})


def _middle(graph: Graph, key: str, place: Mapping[str, float]) -> float:
    sources = [place[edge.source] for edge in entering(graph).get(key, ())]
    return sum(sources) / len(sources) if sources else place[key]
