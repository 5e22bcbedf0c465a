"""The graph of a workflow by one of its runs: a box for each node, below all that it follows."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from markupsafe import Markup

from dogwatch.core.conditional import On, met
from dogwatch.core.result import Outcome
from dogwatch.core.workflow.graph import Edge, Graph
from dogwatch.core.workflow.layout import Lane, Layout, Place, layout
from dogwatch.usecases.flows import Step, Tree
from dogwatch.web.dashboard.pictures.durations import took

WIDE, HIGH, ASIDE, BETWEEN, EDGE = 176, 52, 24, 56, 12
# A lane for edges that pass a layer is so wide.
FREE = 8
LETTERS = 20
NOT_REACHED, WAITING = "not reached", "waiting"
SHAPES: Mapping[str, str] = {
    "ok": "✓", "slow": "◐", "fail": "✕", "timeout": "✕", "missed": "✕", "unknown": "?",
    "skipped": "–", "suppressed": "–", "running": "◔", WAITING: "◌", NOT_REACHED: "◌", "": "◌",
}  # fmt: skip
WORDS: Mapping[str, str] = {
    "ok": "OK", "slow": "slow", "fail": "failed", "timeout": "timed out", "unknown": "not seen",
}  # fmt: skip
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
_HEAD = Markup('<path class="head" d="M{:.1f} {:.1f}l-5 -9l10 0z"/>')
_WHEN = Markup('<text x="{:.1f}" y="{:.1f}">{}</text>')
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
    marks = [*_lines(graph, plan, places, tree)]
    marks += [_node(key, *place, tree) for key, place in places.items() if isinstance(key, str)]
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


def _node(key: str, x: float, y: float, tree: Tree | None) -> Markup:
    name = key if len(key) <= LETTERS else f"{key[: LETTERS - 1]}…"
    state, middle = state_of(key, tree), x + WIDE / 2
    told = f"{SHAPES[state]} {in_words(key, tree)}" if tree else ""
    label = f"{key}: {in_words(key, tree)}" if tree else key
    kind = f"node {state.replace(' ', '-')}".strip()
    return _NODE.format(
        kind, label, x, y, WIDE, HIGH, middle, y + (22 if told else 31), name, middle, y + 41, told
    )


def _lines(graph: Graph, plan: Layout, places: Places, tree: Tree | None) -> Iterator[Markup]:
    """Yield the edges, those taken above; in a lane that is drawn already an edge ends."""
    drawn_lanes: set[tuple[bool, Lane]] = set()
    for edge in sorted(graph.edges, key=lambda one: taken(one, tree)):
        went, joins = taken(edge, tree), False
        way: list[Place] = [edge.source]
        for lane in plan.between(edge):
            way.append(lane)
            if joins := (went, lane) in drawn_lanes:
                break
            drawn_lanes.add((went, lane))
        if not joins:
            way.append(edge.target)
        yield _line(edge, way, places, went=went)


def _line(edge: Edge, way: Sequence[Place], places: Places, *, went: bool) -> Markup:
    bends = [_bend(one, other, places) for one, other in pairwise(way)]
    (x, y), (to_x, to_y) = bends[0]
    when = Markup("")
    if edge.on is not On.SUCCESS:
        when = _WHEN.format((x + to_x) / 2 + 6, (y + to_y) / 2 + 4, _EDGES[edge.on])
    head = _HEAD.format(*bends[-1][1]) if way[-1] == edge.target else Markup("")
    kind = f"edge {edge.on}{' taken' if went else ''}"
    return _LINE.format(kind, f"M{x:.1f} {y:.1f}" + "".join(map(_curve, bends)), head, when)


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
    return WORDS.get(state, state) + (f", {took(ms)}" if ms is not None else "") + caught


def said(graph: Graph, tree: Tree | None) -> str:
    """Return the picture in words."""
    names = [node.key for node in graph.nodes]
    if tree is None:
        return f"{len(names)} nodes: {', '.join(names)}"
    return "; ".join(f"{key}: {in_words(key, tree)}" for key in names)
