"""The graph of a workflow: its nodes are jobs, its edges say which follows which, and when."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from dogwatch.core.conditional import On

MAX_NODES = 200
MAX_EDGES = 1_000
MAX_RETRIES = 19
MAX_TIMEOUT_S = 7 * 86_400
ARROW = " → "
KEY_PATTERN = "^[A-Za-z0-9_.-]{1,64}$"
_KEY = re.compile(KEY_PATTERN)


@dataclass(frozen=True, slots=True)
class Node:
    """A job in a workflow; the same job may stand in several nodes.

    `job` is an id or a slug. `retries` and `timeout_s` replace those of the job; None: as there.
    `x` and `y` say where an editor drew it.
    """

    key: str
    job: str
    retries: int | None = None
    timeout_s: float | None = None
    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True, slots=True)
class Edge:
    """After `source` comes `target`, if `source` ended as `on` says."""

    source: str
    target: str
    on: On = On.SUCCESS


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes and edges in the order in which they were given."""

    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    _by_key: dict[str, Node] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_key", {node.key: node for node in self.nodes})

    def node(self, key: str) -> Node:
        """Return a node by its key; KeyError if there is none."""
        return self._by_key[key]

    def with_jobs(self, names: Mapping[str, str]) -> "Graph":
        """Return the graph with other names for its jobs; those not named stay."""
        nodes = (replace(node, job=names.get(node.job, node.job)) for node in self.nodes)
        return replace(self, nodes=tuple(nodes))

    def after(self, key: str) -> frozenset[str]:
        """Return the nodes that come after one, directly or not."""
        found: set[str] = set()
        waiting = [key]
        while waiting:
            source = waiting.pop()
            new = {edge.target for edge in leaving(self).get(source, ())} - found
            found |= new
            waiting += new
        return frozenset(found)


@lru_cache(maxsize=1_000)
def entering(graph: Graph) -> Mapping[str, Sequence[Edge]]:
    """Return the edges into each node that has any."""
    found: dict[str, list[Edge]] = {}
    for edge in graph.edges:
        found.setdefault(edge.target, []).append(edge)
    return found


@lru_cache(maxsize=1_000)
def leaving(graph: Graph) -> Mapping[str, Sequence[Edge]]:
    """Return the edges out of each node that has any."""
    found: dict[str, list[Edge]] = {}
    for edge in graph.edges:
        found.setdefault(edge.source, []).append(edge)
    return found


@lru_cache(maxsize=1_000)
def order(graph: Graph) -> tuple[str, ...]:
    """Return the nodes so that each comes after its sources; those in a cycle are left out."""
    missing = Counter(edge.target for edge in graph.edges)
    ready = [node.key for node in graph.nodes if not missing[node.key]]
    for key in ready:  # it grows meanwhile
        for edge in leaving(graph).get(key, ()):
            missing[edge.target] -= 1
            if not missing[edge.target]:
                ready.append(edge.target)
    return tuple(ready)


def faults(graph: Graph) -> dict[str, str]:
    """Return what is wrong with a graph, by field such as `edges.2.target`; empty if it can run."""
    if len(graph.nodes) > MAX_NODES:
        return {"nodes": f"at most {MAX_NODES} nodes"}
    if len(graph.edges) > MAX_EDGES:
        return {"edges": f"at most {MAX_EDGES} edges"}
    bad = dict(_node_faults(graph)) | dict(_edge_faults(graph))
    if not bad and (path := cycle(graph)):
        bad["edges"] = f"they go round in a circle: {ARROW.join(path)}"
    return bad


def _node_faults(graph: Graph) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for index, node in enumerate(graph.nodes):
        place = f"nodes.{index}"
        if not _KEY.fullmatch(node.key):
            yield f"{place}.key", "use 1 to 64 letters, digits, _, . and -"
        elif node.key in seen:
            yield f"{place}.key", f"{node.key} is there already"
        if node.retries is not None and not 0 <= node.retries <= MAX_RETRIES:
            yield f"{place}.retries", f"give a whole number from 0 to {MAX_RETRIES}"
        if node.timeout_s is not None and not 1 <= node.timeout_s <= MAX_TIMEOUT_S:
            yield f"{place}.timeout_s", f"give 1 to {MAX_TIMEOUT_S} seconds (7 days)"
        seen.add(node.key)


def _edge_faults(graph: Graph) -> Iterator[tuple[str, str]]:
    seen: set[Edge] = set()
    for index, edge in enumerate(graph.edges):
        place = f"edges.{index}"
        for end in ("source", "target"):
            key = getattr(edge, end)
            if key not in graph._by_key:
                yield f"{place}.{end}", f"there is no node {key[:64]!r}"
        if edge.source == edge.target:
            yield place, f"{edge.source} would follow itself"
        if edge in seen:
            yield place, f"{edge.source}{ARROW}{edge.target} on {edge.on} is there already"
        seen.add(edge)


def cycle(graph: Graph) -> tuple[str, ...]:
    """Return the nodes of a circle, the first again at its end; empty if there is none."""
    sorted_out = set(order(graph))
    left = [node.key for node in graph.nodes if node.key not in sorted_out]
    if not left:
        return ()
    path: dict[str, int] = {}
    key = left[0]
    while key not in path:  # backwards: what is left has a source that is left, too
        path[key] = len(path)
        key = next(e.source for e in entering(graph)[key] if e.source not in sorted_out)
    round_trip = list(path)[path[key] :]
    return (round_trip[0], *reversed(round_trip))
