"""Which nodes the end of a run waited for: the way that took longest (its critical path)."""

from collections.abc import Mapping
from datetime import datetime

from dogwatch.core.workflow.graph import Graph, entering


def critical(graph: Graph, ended: Mapping[str, datetime]) -> tuple[str, ...]:
    """Return the nodes from the first to the one that ended last, each begun after the one before.

    `ended`: when each node ended that was run. A node waits for all its sources, so the one that
    ended last of them is what it waited for.
    """
    if not ended:
        return ()
    way = [max(ended, key=ended.__getitem__)]
    while sources := [
        edge.source for edge in entering(graph).get(way[0], ()) if edge.source in ended
    ]:
        way.insert(0, max(sources, key=ended.__getitem__))
    return tuple(way)
