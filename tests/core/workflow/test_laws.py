"""Laws of workflows over random graphs and random ends."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from dogwatch.core.conditional import On
from dogwatch.core.result import Outcome
from dogwatch.core.spec import WatchSpec
from dogwatch.core.workflow.definition import Definition, from_json, to_json
from dogwatch.core.workflow.difference import differences
from dogwatch.core.workflow.graph import Edge, Graph, Node, entering, faults, order
from dogwatch.core.workflow.layout import Place, layers, layout
from dogwatch.core.workflow.progress import State, advance, followed

OUTCOMES = (Outcome.OK, Outcome.SLOW, Outcome.FAIL, Outcome.TIMEOUT, Outcome.SKIPPED)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Draw a graph without circles, its nodes in any order."""
    count = draw(st.integers(1, 8))
    keys = [f"n{n}" for n in range(count)]
    pairs = [(a, b) for a in range(count) for b in range(a + 1, count)]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=14)) if pairs else []
    edges = [Edge(keys[a], keys[b], draw(st.sampled_from(On))) for a, b in chosen]
    nodes = [Node(key, f"job-{key}") for key in draw(st.permutations(keys))]
    return Graph(tuple(nodes), tuple(edges))


@settings(max_examples=150)
@given(graphs(), st.data())
def test_every_node_is_decided_exactly_once_and_then_it_ends(
    graph: Graph, data: st.DataObject
) -> None:
    states: dict[str, State] = {}
    for _ in range(2 * len(graph.nodes) + 2):
        moves = advance(graph, states)
        assert moves == advance(graph, dict(reversed(states.items())))
        assert not {*moves.start, *moves.skip} & states.keys()
        for key in moves.start:
            edges = entering(graph).get(key, ())
            assert all(states[edge.source].outcome for edge in edges if edge.source in states)
            assert not edges or any(
                followed(e, states[e.source]) for e in edges if e.source in states
            )
            states[key] = State(None)
        for key, why in moves.skip.items():
            assert why
            states[key] = State(Outcome.SKIPPED, ran=False, reason=why)
        going = [key for key, state in states.items() if state.outcome is None]
        assert (moves.end is None) == bool(going)
        if moves.end:
            break
        key = data.draw(st.sampled_from(going))
        states[key] = State(
            data.draw(st.sampled_from(OUTCOMES)), condition=data.draw(st.booleans())
        )
    assert moves.end
    assert states.keys() == {node.key for node in graph.nodes}
    assert advance(graph, states).end == moves.end


@given(graphs())
def test_edges_lead_down_and_every_node_is_drawn_once(graph: Graph) -> None:
    rows = layers(graph)
    row_of = {key: at for at, row in enumerate(rows) for key in row}
    assert sorted(key for row in rows for key in row) == sorted(order(graph))
    assert all(row_of[edge.source] < row_of[edge.target] for edge in graph.edges)
    assert all(rows)


@given(graphs())
def test_an_edge_has_a_lane_in_each_layer_that_it_passes(graph: Graph) -> None:
    plan = layout(graph)
    row_of = {one: at for at, row in enumerate(plan.rows) for one in row}
    assert sum(map(len, plan.rows)) == len(row_of)
    taken = set()
    for edge in graph.edges:
        way: list[Place] = [edge.source, *plan.between(edge), edge.target]
        assert [row_of[one] for one in way] == [*range(row_of[way[0]], row_of[way[-1]] + 1)]
        taken.update(way)
    assert row_of.keys() == taken | {node.key for node in graph.nodes}


@given(graphs(), st.data())
def test_an_edge_back_makes_a_circle_that_is_named(graph: Graph, data: st.DataObject) -> None:
    start = data.draw(st.sampled_from(order(graph)))
    after = sorted(graph.after(start))
    if not after:
        assert faults(graph) == {}
        return
    back = Edge(data.draw(st.sampled_from(after)), start)
    told = faults(Graph(graph.nodes, (*graph.edges, back)))["edges"]
    path = told.partition(": ")[2].split(" → ")
    pairs = {(edge.source, edge.target) for edge in (*graph.edges, back)}
    assert path[0] == path[-1]
    assert {*pairwise(path)} <= pairs


@given(graphs(), graphs())
def test_a_definition_survives_its_text(one: Graph, other: Graph) -> None:
    made = Definition(WatchSpec(name="x", schedule="@daily", start_by_s=None, tags=("t",)), one)
    text = to_json(made)
    assert from_json(text) == made
    assert differences(text, text) == []
    told = to_json(Definition(made.watch, other))
    same = {*one.nodes} == {*other.nodes} and {*one.edges} == {*other.edges}
    assert bool(differences(text, told)) != same
