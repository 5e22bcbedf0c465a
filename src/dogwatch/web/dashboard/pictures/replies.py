"""How fast an address replies: a dot for each reply, medians that no failure joins, and phases."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from statistics import quantiles

from markupsafe import Markup

from dogwatch.core.result import Outcome
from dogwatch.core.states import look
from dogwatch.usecases.lists import Run
from dogwatch.web.dashboard.pictures.axes import BELOW, LEFT, RIGHT, WIDTH, Axes, roomy
from dogwatch.web.dashboard.pictures.durations import at_of
from dogwatch.web.dashboard.pictures.length import took
from dogwatch.web.dashboard.pictures.table import Cell, Table

DOTS, STACK, EDGE = 130, 60, 8
# In the order of time; what is left of the whole is the body.
PHASES: Mapping[str, str] = {
    "dns": "DNS", "connect": "connect", "tls": "TLS", "first_byte": "first byte", "body": "body"
}  # fmt: skip
GROUP = 8
_PICTURE = Markup('<svg class="replies" viewBox="0 0 {} {}" role="{}" aria-label="{}">{}</svg>')
_LINK = Markup('<a href="{}runs/{}" tabindex="-1" aria-label="{}">{}</a>')
_DOT = Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="2.5"><title>{}</title></circle>')
_CROSS = Markup('<path class="fail" d="M{:.1f} {:.1f}l7 7m0 -7l-7 7"><title>{}</title></path>')
_LINE = Markup('<polyline class="{}" points="{}"/>')
_PART = Markup(
    '<rect class="phase {}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}">'
    "<title>{}</title></rect>"
)
_GOOD = frozenset({Outcome.OK, Outcome.SLOW})


@dataclass(frozen=True, slots=True)
class Middle:
    """The median and the 95th percentile of neighbouring replies, `first` to `last` by number."""

    first: int
    last: int
    p50_ms: float
    p95_ms: float


def timed(runs: Sequence[Run]) -> list[Run]:
    """Return what has something to show, oldest first."""
    return [one for one in reversed(runs) if one.duration_ms is not None or not _good(one)]


def _good(run: Run) -> bool:
    return run.outcome in _GOOD and run.duration_ms is not None


def stretches(runs: Sequence[Run]) -> list[list[int]]:
    """Return the numbers of good replies in a row: a failure parts them."""
    found: list[list[int]] = [[]]
    for number, run in enumerate(runs):
        if _good(run):
            found[-1].append(number)
        elif found[-1]:
            found.append([])
    return [one for one in found if one]


def middles(runs: Sequence[Run]) -> list[list[Middle]]:
    """Return the percentiles of some replies each, by stretches."""
    return [
        [_middle(runs, one[at : at + GROUP]) for at in range(0, len(one), GROUP)]
        for one in stretches(runs)
    ]


def _middle(runs: Sequence[Run], numbers: Sequence[int]) -> Middle:
    p50, p95 = percentiles([runs[one].duration_ms or 0 for one in numbers])
    return Middle(numbers[0], numbers[-1], p50, p95)


def percentiles(ms: Sequence[int]) -> tuple[float, float]:
    """Return the median and the 95th percentile of one value or more."""
    cuts = quantiles(ms, n=20, method="inclusive") if len(ms) > 1 else [float(ms[0])] * 19
    return cuts[9], cuts[18]


def phases_of(run: Run) -> Mapping[str, float]:
    """Return how long each phase took, in milliseconds."""
    told = dict(run.phases_ms or {})
    known = {name: told[name] for name in PHASES if told.get(name)}
    rest = told.get("total", 0.0) - sum(known.values())
    return known | ({"body": rest} if known and rest > 0.05 else {})


def drawn(runs: Sequence[Run], zone: tzinfo, root: str | None = None) -> Markup:
    """Return the picture of runs, newest first; empty where nothing was timed.

    `root` leads to the front page: each reply is a link then.
    """
    shown = sorted(timed(runs), key=at_of)
    if not any(map(_good, shown)):
        return Markup("")
    most = max(one.duration_ms or 0 for one in shown) or 1
    axes = Axes(*roomy(at_of(shown[0]), at_of(shown[-1])), most * 1.05, DOTS, zone)
    marks = [_linked(one, _mark(one, axes), root) for one in shown]
    lines = [
        _LINE.format(kind, " ".join(points))
        for stretch in middles(shown)
        for kind in ("p50", "p95")
        for points in [_points(stretch, f"{kind}_ms", shown, axes)]
        if len(points) > 1
    ]
    stacks = list(_stacks(shown, axes))
    high = DOTS + BELOW + (STACK if stacks else 0)
    shapes = Markup("").join([*axes.drawn(), *lines, *marks, *stacks])
    return _PICTURE.format(WIDTH, high, "img" if root is None else "group", said(runs), shapes)


def _linked(run: Run, mark: Markup, root: str | None) -> Markup:
    return mark if root is None else _LINK.format(root, run.id, _told(run), mark)


def _points(stretch: Sequence[Middle], name: str, shown: Sequence[Run], axes: Axes) -> list[str]:
    """Return the ends of each step of a line."""
    return [
        f"{axes.x(at_of(shown[place])):.1f},{axes.y(getattr(one, name)):.1f}"
        for one in stretch
        for place in sorted({one.first, one.last})
    ]


def _told(run: Run) -> str:
    return f"{took(run.duration_ms or 0)}, {look(str(run.outcome or run.state)).word}"


def _mark(run: Run, axes: Axes) -> Markup:
    x, y = axes.x(at_of(run)), axes.y(run.duration_ms or 0)
    if _good(run):
        return _DOT.format(str(run.outcome), x, y, _told(run))
    return _CROSS.format(x - 3.5, y - 3.5, _told(run))


def _stacks(runs: Sequence[Run], axes: Axes) -> Iterator[Markup]:
    most = max((sum(phases_of(one).values()) for one in runs), default=0.0)
    wide = max(min((WIDTH - LEFT - RIGHT) / max(len(runs) - 1, 1) - 1, 12), 1.5)
    for run in runs:
        x, y = axes.x(at_of(run)) - wide / 2, float(DOTS + BELOW + STACK)
        for name, ms in phases_of(run).items():
            high = ms / most * (STACK - EDGE)
            y -= high
            yield _PART.format(name, x, y, wide, high, f"{PHASES[name]} {took(ms)}")


def said(runs: Sequence[Run]) -> str:
    """Return the picture in words."""
    shown = timed(runs)
    ms = [one.duration_ms or 0 for one in shown if _good(one)]
    p50, p95 = percentiles(ms)
    failed = len(shown) - len(ms)
    told = f"{len(ms)} replies, half within {took(p50)}, 95 % within {took(p95)}"
    parts = [f"{PHASES[name]} {took(mean)}" for name, mean in means(shown).items()]
    return (
        told
        + (f"; {failed} failed" if failed else "")
        + (f"; on average {', '.join(parts)}" if parts else "")
    )


def means(runs: Sequence[Run]) -> Mapping[str, float]:
    """Return the mean of each phase over the replies that have phases, in milliseconds."""
    every = [phases for one in runs if _good(one) and (phases := phases_of(one))]
    found = {
        name: sum(one.get(name, 0.0) for one in every) / len(every) for name in PHASES if every
    }
    return {name: ms for name, ms in found.items() if ms}


def table(runs: Sequence[Run]) -> Table:
    """Return the picture as a table, the newest first."""
    shown = list(reversed(timed(runs)))
    names = [name for name in PHASES if any(name in phases_of(one) for one in shown)]
    heads = ("Asked", "Took", *(PHASES[name] for name in names), "Came to")
    rows = [_row(one, names) for one in shown]
    return Table("How fast it replied", heads, rows, said(runs))


def _row(run: Run, names: Sequence[str]) -> Sequence[Cell]:
    phases = phases_of(run)
    parts = [took(phases[name]) if name in phases else "" for name in names]
    whole = "" if run.duration_ms is None else took(run.duration_ms)
    return (at_of(run), whole, *parts, look(str(run.outcome or run.state)).word)
