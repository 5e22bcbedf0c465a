"""How long the runs of a watch took: a dot for each, and the band most good ones fall into."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import quantiles

from markupsafe import Markup

from dogwatch.core.result import Outcome
from dogwatch.usecases.lists import Run

WIDTH, HEIGHT, EDGE = 640, 140, 8
BAND_OF = 50
_PICTURE = Markup('<svg class="durations" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
_BAND = Markup('<rect class="band" x="0" y="{:.1f}" width="{}" height="{:.1f}"/>')
_LIMIT = Markup('<line class="limit" x1="0" x2="{}" y1="{:.1f}" y2="{:.1f}"/>')
_DOT = Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="3"><title>{}</title></circle>')
_CROSS = Markup('<path class="{}" d="M{:.1f} {:.1f}l7 7m0 -7l-7 7"><title>{}</title></path>')


@dataclass(frozen=True, slots=True)
class Band:
    """From the 10th to the 90th percentile of the last good runs, in milliseconds."""

    low_ms: float
    high_ms: float


def band_of(runs: Sequence[Run]) -> Band | None:
    """Return the band of the last good runs, newest first; None of fewer than five."""
    good = [run.duration_ms for run in runs if run.outcome is Outcome.OK and run.duration_ms]
    if len(good) < 5:
        return None
    tenths = quantiles(good[:BAND_OF], n=10)
    return Band(tenths[0], tenths[-1])


def drawn(runs: Sequence[Run], limit_ms: int | None) -> Markup:
    """Return the picture of runs, newest first; empty where fewer than two took any time."""
    timed = [run for run in reversed(runs) if run.duration_ms is not None]
    if len(timed) < 2:
        return Markup("")
    most = max([run.duration_ms or 0 for run in timed] + ([limit_ms] if limit_ms else [])) or 1
    step = (WIDTH - 2 * EDGE) / (len(timed) - 1)

    def height(ms: float) -> float:
        return HEIGHT - EDGE - min(ms, most) / most * (HEIGHT - 2 * EDGE)

    marks = [_mark(run, EDGE + step * place, height) for place, run in enumerate(timed)]
    band = band_of(runs)
    if band:
        top = height(band.high_ms)
        marks.insert(0, _BAND.format(top, WIDTH, height(band.low_ms) - top))
    if limit_ms:
        marks.insert(0, _LIMIT.format(WIDTH, height(limit_ms), height(limit_ms)))
    return _PICTURE.format(WIDTH, HEIGHT, said(runs, limit_ms), Markup("").join(marks))


def _mark(run: Run, x: float, height: Callable[[float], float]) -> Markup:
    ms = run.duration_ms or 0
    told = f"{took(ms)}, {run.outcome or run.state}"
    if run.outcome in (Outcome.OK, Outcome.SLOW):
        return _DOT.format(str(run.outcome), x, height(ms), told)
    return _CROSS.format("fail", x - 3.5, height(ms) - 3.5, told)


def said(runs: Sequence[Run], limit_ms: int | None) -> str:
    """Return the picture in words."""
    timed = [run.duration_ms for run in runs if run.duration_ms is not None]
    told = f"{len(timed)} runs took {took(min(timed))} to {took(max(timed))}"
    band = band_of(runs)
    if band:
        told += f"; most good ones {took(band.low_ms)} to {took(band.high_ms)}"
    return told + (f"; slow from {took(limit_ms)} on" if limit_ms else "")


def took(ms: float) -> str:
    """Return a duration for people."""
    for unit, size_ms in (("h", 7_200_000), ("min", 60_000), ("s", 1_000)):
        if ms >= size_ms:
            length_ms = 3_600_000 if unit == "h" else size_ms
            return f"{ms / length_ms:.3g} {unit}"
    return f"{ms:.0f} ms"
