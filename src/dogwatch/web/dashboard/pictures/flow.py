"""The graph of a workflow by one of its runs: a box for each node, below all that it follows."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from markupsafe import Markup

from dogwatch.core.conditional import On, met
from dogwatch.core.result import Outcome
from dogwatch.core.states import NOT_REACHED, WAITING, look
from dogwatch.core.workflow.critical import critical
from dogwatch.core.workflow.graph import Edge, Graph
from dogwatch.core.workflow.layout import Lane, Layout, Place, layout
from dogwatch.usecases.flows import Step, Tree
from dogwatch.web.dashboard.pictures.length import took

WIDE, HIGH, ASIDE, BETWEEN, EDGE = 176, 52, 24, 56, 12
# A lane for edges that pass a layer is so wide.
FREE = 8
LETTERS = 20
_EDGES = {On.ALWAYS: "always", On.FAILURE: "on failure", On.CONDITION: "on condition"}
_PICTURE = Markup(
    '<svg class="flow" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}">'
    "{}</svg>"
)
_NODE = Markup(
    '<g class="{}"><title>{}</title><rect x="{:.1f}" y="{:.1f}" width="{}" height="{}" rx="8"/>'
    '<text x="{:.1f}" y="{:.1f}">{}</text><text class="is" x="{:.1f}" y="{:.1f}">{}</text></g>'
)
_LINE = Markup('<g class="{}"><path d="{}"/>{}{}</g>')
_GATE = Markup('<path class="gate" d="M{:.1f} {:.1f}l6 7l-6 7l-6 -7z"/>')
_HEAD = Markup('<path class="head" d="M{:.1f} {:.1f}l-5 -9l10 0z"/>')
_WHEN = Markup('<text x="{:.1f}" y="{:.1f}">{}</text>')
# What an edge is by a run, the most important drawn last.
_KINDS = ("", "taken", "taken critical")
_GOING = datetime.max.replace(tzinfo=UTC)
Point = tuple[float, float]
Places = Mapping[Place, Point]


def drawn(graph: Graph, tree: Tree | None) -> Markup:
    """Return the picture; without a run it tells the order alone."""
    plan = layout(graph)
    if not plan.rows:
        return Markup("")
    width = max(map(_length, plan.rows)) + 2 * EDGE
    height = len(plan.rows) * (HIGH + BETWEEN) - BETWEEN + 2 * EDGE
    places = {
        one: (x, EDGE + depth * (HIGH + BETWEEN))
        for depth, row in enumerate(plan.rows)
        for one, x in _spread(row, (width - _length(row)) / 2)
    }
    way = longest(graph, tree)
    marks = [*_lines(graph, plan, places, tree, frozenset(pairwise(way)))]
    marks += [
        _node(key, *place, tree, bold=key in way)
        for key, place in places.items()
        if isinstance(key, str)
    ]
    label = said(graph, tree)
    return _PICTURE.format(width, height, width, height, label, Markup("").join(marks))


def _wide(one: Place) -> int:
    return FREE if isinstance(one, Lane) else WIDE


def _length(row: Sequence[Place]) -> int:
    return sum(_wide(one) + ASIDE for one in row) - ASIDE


def _spread(row: Sequence[Place], x: float) -> Iterator[tuple[Place, float]]:
    """Yield where each place of a row begins, the first at `x`."""
    for one in row:
        yield one, x
        x += _wide(one) + ASIDE


def longest(graph: Graph, tree: Tree | None) -> Sequence[str]:
    """Return the nodes of the way that took longest; of a single node there is no way."""
    if tree is None:
        return ()
    ended = {
        key: step.run.finished_at or _GOING
        for key, step in tree.steps.items()
        if step.run and step.run.started_at
    }
    way = critical(graph, ended)
    return way if len(way) > 1 else ()


def _node(key: str, x: float, y: float, tree: Tree | None, *, bold: bool) -> Markup:
    name = key if len(key) <= LETTERS else f"{key[: LETTERS - 1]}…"
    state, middle = state_of(key, tree), x + WIDE / 2
    told = f"{look(state).shape} {in_words(key, tree)}" if tree else ""
    label = f"{key}: {in_words(key, tree)}" if tree else key
    kind = f"node {state.replace(' ', '-')} {'critical' if bold else ''}".strip()
    return _NODE.format(
        kind, label, x, y, WIDE, HIGH, middle, y + (22 if told else 31), name, middle, y + 41, told
    )


def _lines(
    graph: Graph, plan: Layout, places: Places, tree: Tree | None, way: Collection[tuple[str, str]]
) -> Iterator[Markup]:
    """Yield the edges, those taken above; in a lane that is drawn already an edge ends."""
    drawn_lanes: set[tuple[str, Lane]] = set()
    kinds = {edge: _kind(edge, tree, way) for edge in graph.edges}
    for edge in sorted(kinds, key=lambda one: _KINDS.index(kinds[one])):
        kind, joins = kinds[edge], False
        through: list[Place] = [edge.source]
        for lane in plan.between(edge):
            through.append(lane)
            if joins := (kind, lane) in drawn_lanes:
                break
            drawn_lanes.add((kind, lane))
        if not joins:
            through.append(edge.target)
        yield _line(edge, through, places, kind)


def _kind(edge: Edge, tree: Tree | None, way: Collection[tuple[str, str]]) -> str:
    if not taken(edge, tree):
        return _KINDS[0]
    return _KINDS[2 if (edge.source, edge.target) in way else 1]


def _line(edge: Edge, through: Sequence[Place], places: Places, kind: str) -> Markup:
    bends = [_bend(one, other, places) for one, other in pairwise(through)]
    (x, y), (to_x, to_y) = bends[0]
    middle_x, middle_y, when = (x + to_x) / 2, (y + to_y) / 2, Markup("")
    if edge.on is not On.SUCCESS:
        when = _WHEN.format(middle_x + 10, middle_y + 4, _EDGES[edge.on])
    if edge.on is On.CONDITION:
        when = _GATE.format(middle_x, middle_y - 7) + when
    head = _HEAD.format(*bends[-1][1]) if through[-1] == edge.target else Markup("")
    classes = f"edge {edge.on} {kind}".strip()
    return _LINE.format(classes, f"M{x:.1f} {y:.1f}" + "".join(map(_curve, bends)), head, when)


def _bend(one: Place, other: Place, places: Places) -> tuple[Point, Point]:
    """Return from where to where an edge goes between two layers."""
    (x, y), (to_x, to_y) = places[one], places[other]
    tip = 0 if isinstance(other, Lane) else 2
    return (x + _wide(one) / 2, y + HIGH), (to_x + _wide(other) / 2, to_y - tip)


def _curve(bend: tuple[Point, Point]) -> str:
    """Return the way to the lower layer, from the bottom of what stands in the upper one."""
    (x, y), (to_x, to_y) = bend
    half = (to_y - y) / 2
    return f"V{y:.1f}C{x:.1f} {y + half:.1f} {to_x:.1f} {to_y - half:.1f} {to_x:.1f} {to_y:.1f}"


def taken(edge: Edge, tree: Tree | None) -> bool:
    """Whether a run went along an edge: its source ended so, and its target was reached."""
    if tree is None or not _reached(tree.steps.get(edge.target)):
        return False
    step = tree.steps.get(edge.source)
    return step is not None and met(edge.on, step.outcome, condition=step.condition)


def _reached(step: Step | None) -> bool:
    """Whether a node was begun; one that is passed over has no run."""
    return step is not None and not (step.outcome is Outcome.SKIPPED and step.run is None)


def state_of(key: str, tree: Tree | None) -> str:
    """Return the state of a node in a run: an outcome, running, waiting or not reached."""
    if tree is None:
        return ""
    step = tree.steps.get(key)
    if step is None or not _reached(step):
        over = tree.run.outcome is not None or step is not None
        return NOT_REACHED if over else WAITING
    return str(step.outcome or "running")


def in_words(key: str, tree: Tree | None) -> str:
    """Return the state of a node for people, with how long it took."""
    state = state_of(key, tree)
    step: Step | None = tree.steps.get(key) if tree else None
    ms = step.run.duration_ms if step and step.run else None
    caught = ", handled" if step and step.handled else ""
    return look(state).word + (f", {took(ms)}" if ms is not None else "") + caught


def said(graph: Graph, tree: Tree | None) -> str:
    """Return the picture in words."""
    names = [node.key for node in graph.nodes]
    if tree is None:
        return f"{len(names)} nodes: {', '.join(names)}"
    told = [f"{key}: {in_words(key, tree)}" for key in names]
    way = longest(graph, tree)
    return "; ".join([*told, f"longest way: {', '.join(way)}"] if way else told)
