"""How long the runs of a watch took: a dot for each, and the band most good ones fall into."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import groupby, pairwise
from statistics import quantiles

from markupsafe import Markup

from dogwatch.core.result import Outcome
from dogwatch.core.states import look
from dogwatch.usecases.lists import Run
from dogwatch.web.dashboard.pictures.axes import BELOW, LEFT, RIGHT, WIDTH, Axes, roomy
from dogwatch.web.dashboard.pictures.length import took
from dogwatch.web.dashboard.pictures.table import Table

HEIGHT = 150
# A band is of the last so many good runs of such days, and of no fewer than these.
BAND_OF, LEAST = 50, 5
WEEKDAY, WEEKEND = "weekdays", "weekends"
_PICTURE = Markup('<svg class="durations" viewBox="0 0 {} {}" role="{}" aria-label="{}">{}</svg>')
_BAND = Markup(
    '<rect class="band" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}">'
    "<title>{}</title></rect>"
)
_LIMIT = Markup('<line class="limit" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/>')
_DOT = Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="3.5"><title>{}</title></circle>')
_CROSS = Markup('<path class="{}" d="M{:.1f} {:.1f}l7 7m0 -7l-7 7"><title>{}</title></path>')
_LINK = Markup('<a href="{}runs/{}" tabindex="-1" aria-label="{}">{}</a>')


@dataclass(frozen=True, slots=True)
class Band:
    """From the 10th to the 90th percentile of the last good runs, in milliseconds."""

    low_ms: float
    high_ms: float

    def __str__(self) -> str:
        return f"{took(self.low_ms)} to {took(self.high_ms)}"


Bands = Mapping[str, Band]


def kind_of(at: datetime, zone: tzinfo) -> str:
    """Return what kind of day a time is of, by the clock of a zone."""
    return WEEKEND if at.astimezone(zone).weekday() >= 5 else WEEKDAY


def bands_of(runs: Sequence[Run], zone: tzinfo) -> Bands:
    """Return the bands of the last good runs, newest first, by kind of day; none of fewer than 5.

    A kind of day with too few has the band of all days.
    """
    good = [run for run in runs if run.outcome is Outcome.OK and run.duration_ms is not None]
    every = _band(good)
    found = {
        kind: _band([run for run in good if kind_of(at_of(run), zone) == kind]) or every
        for kind in (WEEKDAY, WEEKEND)
    }
    return {kind: band for kind, band in found.items() if band}


def _band(good: Sequence[Run]) -> Band | None:
    ms = [run.duration_ms or 0 for run in good[:BAND_OF]]
    if len(ms) < LEAST:
        return None
    tenths = quantiles(ms, n=10, method="inclusive")
    return Band(tenths[0], tenths[-1])


def at_of(run: Run) -> datetime:
    """Return when a run began, or what is nearest to that."""
    found = run.started_at or run.finished_at or run.slot_at or run.queued_at
    assert found is not None  # a run that took any time has ended
    return found


def timed(runs: Sequence[Run]) -> list[Run]:
    """Return those that took any time, oldest first."""
    return [run for run in reversed(runs) if run.duration_ms is not None]


def drawn(
    runs: Sequence[Run], limit_ms: int | None, bands: Bands, zone: tzinfo, root: str | None = None
) -> Markup:
    """Return the picture of runs, newest first; empty where fewer than two took any time.

    `root` leads to the front page: each run is a link then.
    """
    shown = sorted(timed(runs), key=at_of)
    if len(shown) < 2:
        return Markup("")
    most = max(
        *(run.duration_ms or 0 for run in shown),
        limit_ms or 1,
        *(b.high_ms for b in bands.values()),
    )
    axes = Axes(*roomy(at_of(shown[0]), at_of(shown[-1])), most * 1.05, HEIGHT, zone)
    marks = [*_bands(shown, bands, axes), *axes.drawn()]
    if limit_ms:
        marks.append(_LIMIT.format(LEFT, WIDTH - RIGHT, y=axes.y(limit_ms)))
    marks += [_mark(run, axes, root) for run in shown]
    role = "img" if root is None else "group"
    words = said(shown, limit_ms, bands)
    return _PICTURE.format(WIDTH, HEIGHT + BELOW, role, words, Markup("").join(marks))


def _bands(shown: Sequence[Run], bands: Bands, axes: Axes) -> Iterator[Markup]:
    """Yield a box for each stretch of days of one kind; it ends half-way between two runs."""
    places = [axes.x(at_of(run)) for run in shown]
    ends = [float(LEFT), *((one + two) / 2 for one, two in pairwise(places)), float(WIDTH - RIGHT)]
    numbers = groupby(range(len(shown)), lambda n: kind_of(at_of(shown[n]), axes.zone))
    for kind, group in numbers:
        own = list(group)
        if band := bands.get(kind):
            x, top = ends[own[0]], axes.y(band.high_ms)
            high = max(axes.y(band.low_ms) - top, 1.0)
            yield _BAND.format(x, top, ends[own[-1] + 1] - x, high, f"most on {kind}: {band}")


def _mark(run: Run, axes: Axes, root: str | None) -> Markup:
    ms, at = run.duration_ms or 0, at_of(run)
    x, y = axes.x(at), axes.y(ms)
    word = look(str(run.outcome or run.state)).word
    told = f"{at.astimezone(axes.zone):%Y-%m-%d %H:%M:%S}: {took(ms)}, {word}"
    good = run.outcome in (Outcome.OK, Outcome.SLOW)
    mark = (
        _DOT.format(str(run.outcome), x, y, told) if good
        else _CROSS.format("fail", x - 3.5, y - 3.5, told)
    )  # fmt: skip
    return mark if root is None else _LINK.format(root, run.id, told, mark)


def said(runs: Sequence[Run], limit_ms: int | None, bands: Bands) -> str:
    """Return the picture in words."""
    ms = [run.duration_ms for run in runs if run.duration_ms is not None]
    told = f"{len(ms)} runs took {took(min(ms))} to {took(max(ms))}"
    told += "".join(f"; most good ones on {kind} {band}" for kind, band in bands.items())
    return told + (f"; slow from {took(limit_ms)} on" if limit_ms else "")


def table(runs: Sequence[Run], limit_ms: int | None, bands: Bands) -> Table:
    """Return the picture as a table, the newest first."""
    shown = [run for run in runs if run.duration_ms is not None]
    rows = [
        (at_of(run), took(run.duration_ms or 0), look(str(run.outcome or run.state)).word)
        for run in shown
    ]
    note = said(shown, limit_ms, bands)
    return Table("How long runs took", ("Began", "Took", "Came to"), rows, note)
