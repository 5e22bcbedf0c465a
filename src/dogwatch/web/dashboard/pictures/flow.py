"""The graph of a workflow by one of its runs: a box for each node, below all that it follows."""

from collections.abc import Mapping

from markupsafe import Markup

from dogwatch.core.conditional import On, met
from dogwatch.core.result import Outcome
from dogwatch.core.workflow.graph import Edge, Graph
from dogwatch.core.workflow.layout import layers
from dogwatch.usecases.flows import Step, Tree
from dogwatch.web.dashboard.pictures.durations import took

WIDE, HIGH, ASIDE, BETWEEN, EDGE = 176, 52, 24, 56, 12
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
_LINE = Markup(
    '<g class="{}"><path d="M{:.1f} {:.1f}C{:.1f} {:.1f} {:.1f} {:.1f} {:.1f} {:.1f}"/>'
    '<path class="head" d="M{:.1f} {:.1f}l-5 -9l10 0z"/>{}</g>'
)
_WHEN = Markup('<text x="{:.1f}" y="{:.1f}">{}</text>')
Places = Mapping[str, tuple[float, float]]


def drawn(graph: Graph, tree: Tree | None) -> Markup:
    """Return the picture; without a run it tells the order alone."""
    rows = layers(graph)
    if not rows:
        return Markup("")
    width = max(len(row) for row in rows) * (WIDE + ASIDE) - ASIDE + 2 * EDGE
    height = len(rows) * (HIGH + BETWEEN) - BETWEEN + 2 * EDGE
    places = {
        key: (_left(len(row), width) + place * (WIDE + ASIDE), EDGE + depth * (HIGH + BETWEEN))
        for depth, row in enumerate(rows)
        for place, key in enumerate(row)
    }
    marks = [_line(edge, places, tree) for edge in graph.edges]
    marks += [_node(key, *place, tree) for key, place in places.items()]
    label = said(graph, tree)
    return _PICTURE.format(width, height, width, height, label, Markup("").join(marks))


def _left(count: int, width: float) -> float:
    """Return where a row of so many boxes begins."""
    return (width - count * (WIDE + ASIDE) + ASIDE) / 2


def _node(key: str, x: float, y: float, tree: Tree | None) -> Markup:
    name = key if len(key) <= LETTERS else f"{key[: LETTERS - 1]}…"
    state, middle = state_of(key, tree), x + WIDE / 2
    told = f"{SHAPES[state]} {in_words(key, tree)}" if tree else ""
    label = f"{key}: {in_words(key, tree)}" if tree else key
    kind = f"node {state.replace(' ', '-')}".strip()
    return _NODE.format(
        kind, label, x, y, WIDE, HIGH, middle, y + (22 if told else 31), name, middle, y + 41, told
    )


def _line(edge: Edge, places: Places, tree: Tree | None) -> Markup:
    (x, y), (to_x, to_y) = places[edge.source], places[edge.target]
    x, y, to_x, to_y = x + WIDE / 2, y + HIGH, to_x + WIDE / 2, to_y - 2
    bend = max((to_y - y) / 2, 18)
    when = Markup("")
    if edge.on is not On.SUCCESS:
        when = _WHEN.format((x + to_x) / 2 + 6, (y + to_y) / 2 + 4, _EDGES[edge.on])
    kind = f"edge {edge.on}{' taken' if taken(edge, tree) else ''}"
    return _LINE.format(
        kind, x, y, x, y + bend, to_x, to_y - bend, to_x, to_y - 7, to_x, to_y, when
    )


def taken(edge: Edge, tree: Tree | None) -> bool:
    """Whether a run went along an edge."""
    step = tree.steps.get(edge.source) if tree else None
    return step is not None and met(edge.on, step.outcome, condition=step.condition)


def state_of(key: str, tree: Tree | None) -> str:
    """Return the state of a node in a run: an outcome, running, waiting or not reached."""
    if tree is None:
        return ""
    step = tree.steps.get(key)
    if step is None or (step.outcome is Outcome.SKIPPED and step.run is None):
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
