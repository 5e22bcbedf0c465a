"""How fast an address replies: a dot for each reply, medians that no failure joins, and phases."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import quantiles

from markupsafe import Markup

from dogwatch.core.result import Outcome
from dogwatch.usecases.lists import Run
from dogwatch.web.dashboard.pictures.durations import took

WIDTH, DOTS, STACK, EDGE = 640, 130, 60, 8
# In the order of time; what is left of the whole is the body.
PHASES: Mapping[str, str] = {
    "dns": "DNS", "connect": "connect", "tls": "TLS", "first_byte": "first byte", "body": "body"
}  # fmt: skip
GROUP = 8
_PICTURE = Markup('<svg class="replies" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
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


def drawn(runs: Sequence[Run]) -> Markup:
    """Return the picture of runs, newest first; empty where nothing was timed."""
    shown = timed(runs)
    if not any(map(_good, shown)):
        return Markup("")
    most = max(one.duration_ms or 0 for one in shown) or 1
    step = (WIDTH - 2 * EDGE) / max(len(shown) - 1, 1)

    def at(number: float, ms: float) -> tuple[float, float]:
        return EDGE + step * number, DOTS - EDGE - ms / most * (DOTS - 2 * EDGE)

    marks = [_mark(one, *at(number, one.duration_ms or 0)) for number, one in enumerate(shown)]
    lines = [
        _LINE.format(kind, " ".join("{:.1f},{:.1f}".format(*at(*point)) for point in points))
        for stretch in middles(shown)
        for kind in ("p50", "p95")
        for points in [_points(stretch, f"{kind}_ms")]
        if len(points) > 1
    ]
    stacks = list(_stacks(shown, step))
    high = DOTS + (STACK if stacks else 0)
    return _PICTURE.format(WIDTH, high, said(runs), Markup("").join([*lines, *marks, *stacks]))


def _points(stretch: Sequence[Middle], name: str) -> list[tuple[int, float]]:
    """Return the ends of each step of a line: (number of the reply, milliseconds)."""
    return [
        (place, getattr(one, name)) for one in stretch for place in sorted({one.first, one.last})
    ]


def _mark(run: Run, x: float, y: float) -> Markup:
    ms = run.duration_ms or 0
    told = f"{took(ms)}, {run.outcome or run.state}"
    if _good(run):
        return _DOT.format(str(run.outcome), x, y, told)
    return _CROSS.format(x - 3.5, min(y, DOTS - EDGE) - 3.5, told)


def _stacks(runs: Sequence[Run], step: float) -> Iterator[Markup]:
    most = max((sum(phases_of(one).values()) for one in runs), default=0.0)
    for number, run in enumerate(runs):
        y = float(DOTS + STACK)
        for name, ms in phases_of(run).items():
            high = ms / most * (STACK - EDGE)
            y -= high
            wide = max(min(step - 1, 12), 1.5)
            x = EDGE + step * number - wide / 2
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
