"""How a workflow goes on: which nodes start, which are passed over, and when it is at its end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dogwatch.core.conditional import On, met
from dogwatch.core.result import BAD, GOOD, Outcome
from dogwatch.core.workflow.graph import Edge, Graph, entering, leaving, order

MOST_NAMED = 5
_VERBS = {Outcome.TIMEOUT: "timed out", Outcome.FAIL: "failed"}


@dataclass(frozen=True, slots=True)
class State:
    """What is known of a node: `outcome` None while it is under way.

    `ran` is False for a node that was passed over; `reason` says why, or why it failed.
    """

    outcome: Outcome | None = None
    ran: bool = True
    condition: bool = False
    reason: str = ""


States = Mapping[str, State]


@dataclass(frozen=True, slots=True)
class End:
    """How a whole workflow ended."""

    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Moves:
    """What is to be done next: nodes to start, nodes to pass over (why), and the end, once."""

    start: tuple[str, ...] = ()
    skip: Mapping[str, str] = field(default_factory=dict)
    end: End | None = None


def advance(graph: Graph, states: States) -> Moves:
    """Return what follows from how nodes ended; a node without a state was not decided yet.

    A node waits until the source of every edge into it is decided. It starts if one of these
    edges at least is followed, else it is passed over. The same states always give the same.
    """
    known = dict(states)
    start: list[str] = []
    skip: dict[str, str] = {}
    for key in order(graph):
        if key in known:
            continue
        edges = entering(graph).get(key, ())
        if not all(_decided(known.get(edge.source)) for edge in edges):
            continue
        if edges and not any(followed(edge, known[edge.source]) for edge in edges):
            skip[key] = _why_not(edges, known)
            known[key] = State(Outcome.SKIPPED, ran=False)
        else:
            start.append(key)
    return Moves(tuple(start), skip, None if start else _end(graph, known))


def stop(graph: Graph, states: States, end: End) -> Moves:
    """Return what is left to do once a workflow is to end so: nothing more starts."""
    left = {node.key: end.reason for node in graph.nodes if node.key not in states}
    going = any(state.outcome is None for state in states.values())
    return Moves((), left, None if going else end)


def followed(edge: Edge, source: State) -> bool:
    """Whether an edge is followed, now that its source is decided.

    Nothing follows a node that did not run, or that ended neither well nor badly.
    """
    return source.ran and met(edge.on, source.outcome, condition=source.condition)


def handled(graph: Graph, key: str, state: State) -> bool:
    """Whether a node failed and an edge on failure took that."""
    edges = leaving(graph).get(key, ())
    return state.outcome in BAD and any(edge.on is On.FAILURE for edge in edges)


def _decided(state: State | None) -> bool:
    return state is not None and state.outcome is not None


def _why_not(edges: Sequence[Edge], known: States) -> str:
    """Say why none of the edges into a node is followed."""
    told = [_asked(edge, known[edge.source]) for edge in edges]
    return "; ".join(_first(told, "edges"))


def _asked(edge: Edge, source: State) -> str:
    if not source.ran:
        return f"{edge.source} did not run"
    if edge.on is On.CONDITION and source.outcome in GOOD:
        return f"{edge.source} did not set its condition"
    return f"{edge.source} ended {source.outcome}, and the edge asks for {edge.on}"


def _end(graph: Graph, known: States) -> End | None:
    """Return the end of a workflow in which nothing more starts, None while something runs."""
    if not graph.nodes:
        return End(Outcome.FAIL, "it has no nodes")
    ran = {key: known[key] for key in order(graph) if key in known and known[key].ran}
    if any(state.outcome is None for state in ran.values()):
        return None
    bad = {key: state for key, state in ran.items() if state.outcome in BAD}
    taken = {key for key, state in bad.items() if handled(graph, key, state)}
    if open_failures := [_failed(key, state) for key, state in bad.items() if key not in taken]:
        return End(Outcome.FAIL, "; ".join(_first(open_failures, "nodes")))
    void = [f"{key}: {one.reason}" for key, one in ran.items() if one.outcome not in GOOD | BAD]
    if void:
        return End(Outcome.SKIPPED, "; ".join(_first(void, "nodes")))
    return End(Outcome.OK, "; ".join(_first([_taken(key, bad[key]) for key in bad], "nodes")))


def _failed(key: str, state: State) -> str:
    verb = _VERBS.get(state.outcome or Outcome.FAIL, "failed")
    return f"{key} {verb}: {state.reason}" if state.reason else f"{key} {verb}"


def _taken(key: str, state: State) -> str:
    return f"{_failed(key, state)} (its edge on failure took over)"


def _first(told: Sequence[str], what: str) -> list[str]:
    """Return the first few of many words, and how many more there are."""
    more = len(told) - MOST_NAMED
    return [*told[:MOST_NAMED], *([f"and {more} more {what}"] if more > 0 else [])]
