"""The timeline: bars for what ran, hollow ones for what is to come, and how much ran together."""

from collections.abc import Iterator
from datetime import datetime

from markupsafe import Markup

from dogwatch.core import ticks
from dogwatch.core.states import look
from dogwatch.usecases.timeline import Lane, Ran, Timeline
from dogwatch.web.dashboard.pictures.alone import STYLE
from dogwatch.web.dashboard.pictures.length import took

WIDTH, HEIGHT = 1000.0, 20
LEAST = 2.0
LABELS, HEAD = 240, 26
GOOD = frozenset({"ok", "slow", "running"})
_LANE = Markup(
    '<svg class="lane" viewBox="0 0 1000 {}" preserveAspectRatio="none" role="group"'
    ' aria-label="{}">{}</svg>'
)
_BAR = Markup(
    '<rect class="{}" x="{:.1f}" y="{}" width="{:.1f}" height="{}"><title>{}</title></rect>'
)
_LINK = Markup('<a href="{}" tabindex="-1" aria-label="{}">{}</a>')
_NOW = Markup('<line class="now" x1="{0:.1f}" x2="{0:.1f}" y1="0" y2="{1}"/>')
_WHOLE = Markup(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}" role="img" aria-label="{}">'
    "<style>{}</style>{}</svg>"
)
_AXIS = Markup('<svg class="marks" aria-hidden="true">{}</svg>')
_MARK = Markup('<text class="{}" x="{:.2f}%" y="1.1em">{}</text>')
_TICKS = Markup('<path class="tick" d="{}"/>')
_TEXT = Markup('<text x="{:.0f}" y="{}" class="along">{}</text>')
_NAME = Markup('<text x="8" y="{}">{}</text>')
_AT = Markup('<g transform="translate({} {})">{}</g>')


class Scale:
    """Where a time lies."""

    def __init__(self, of: Timeline) -> None:
        self._begin_at = of.begin_at
        self._length = of.end_at - of.begin_at

    def x(self, at: datetime) -> float:
        """Return the place of a time, within the picture."""
        return min(max((at - self._begin_at) / self._length, 0.0), 1.0) * WIDTH


def marks(of: Timeline) -> list[tuple[float, str]]:
    """Return the places of round times by the clock that the timeline is told by, and the times."""
    step, found = ticks.times(of.begin_at, of.end_at, of.zone)
    scale = Scale(of)
    return [(scale.x(at), ticks.told(at, step)) for at in found]


def axis(of: Timeline) -> Markup:
    """Return the times above the lanes; letters keep their shape, however wide it is drawn."""
    return _AXIS.format(
        Markup("").join(
            _MARK.format("first" if x < 60 else "last" if x > 940 else "along", x / 10, word)
            for x, word in marks(of)
        )
    )


def lane(of: Timeline, one: Lane, root: str) -> Markup:
    """Return the picture of one lane; `root` leads to the front page."""
    return _LANE.format(
        HEIGHT, said(one), Markup("").join([_ticks(of, HEIGHT), *_shapes(of, one, root)])
    )


def shade(of: Timeline) -> Markup:
    """Return the picture of how many items ran together."""
    most, at = of.busiest
    told = f"At most {most} items ran together, at {at:%Y-%m-%d %H:%M}" if most else "Nothing ran"
    shapes = Markup("").join([_ticks(of, 2 * HEIGHT), *_shade(of), _now(of, 2 * HEIGHT)])
    return _LANE.format(2 * HEIGHT, told, shapes)


def whole(of: Timeline) -> Markup:
    """Return all lanes as one picture that stands alone."""
    high = 2 * HEIGHT + HEAD + 12 + len(of.lanes) * (HEIGHT + 6)
    rows = [_TEXT.format(LABELS + x, HEAD - 8, word) for x, word in marks(of)]
    rows += [
        _AT.format(LABELS, HEAD, _ticks(of, high)),
        _AT.format(LABELS, HEAD, Markup("").join([*_shade(of), _now(of, 2 * HEIGHT)])),
    ]
    for number, one in enumerate(of.lanes):
        y = 2 * HEIGHT + HEAD + 4 + number * (HEIGHT + 6)
        rows += [
            _NAME.format(y + 15, one.record.name[:36]),
            _AT.format(LABELS, y, Markup("").join(_shapes(of, one, None))),
        ]
    told = f"{len(of.lanes)} items from {of.begin_at:%Y-%m-%d %H:%M} to {of.end_at:%Y-%m-%d %H:%M}"
    return _WHOLE.format(LABELS + int(WIDTH), high, told, STYLE, Markup("").join(rows))


def _shade(of: Timeline) -> Iterator[Markup]:
    most, _ = of.busiest
    wide = Scale(of).x(of.past_to) / max(len(of.together), 1)
    place = 0
    while place < len(of.together):
        count, begun = of.together[place], place
        while place < len(of.together) and of.together[place] == count:
            place += 1
        if count:
            high = round(2 * HEIGHT * count / most)
            box = (begun * wide, 2 * HEIGHT - high, (place - begun) * wide, high)
            yield _BAR.format("together", *box, f"{count} together")


def _shapes(of: Timeline, one: Lane, root: str | None) -> Iterator[Markup]:
    scale = Scale(of)
    for ran in one.ran:
        bar = _bar(scale, ran)
        href = f"{root}runs/{ran.run_id}"
        yield bar if root is None else _LINK.format(href, _told(ran), bar)
    if one.late_at:
        box = (scale.x(one.late_at), 4, 3 * LEAST, HEIGHT - 8)
        yield _BAR.format("late", *box, f"late, due {one.late_at:%Y-%m-%d %H:%M:%S}")
    if one.dense:
        begun = scale.x(of.past_to) + LEAST
        told = "due more often than can be drawn"
        yield _BAR.format("coming", begun, 6, WIDTH - begun - LEAST, HEIGHT - 12, told)
    for at in one.coming:
        x = scale.x(at)
        wide = max(scale.x(at + one.usual) - x, LEAST)
        yield _BAR.format("coming", x, 4, wide, HEIGHT - 8, f"due {at:%Y-%m-%d %H:%M:%S}")
    yield _now(of, HEIGHT)


def _ticks(of: Timeline, high: int) -> Markup:
    return _TICKS.format("".join(f"M{x:.1f} 0v{high}" for x, _ in marks(of)))


def _now(of: Timeline, high: int) -> Markup:
    """Return the line between past and future, if that lies in what is shown."""
    if not of.begin_at <= of.at <= of.end_at:
        return Markup("")
    return _NOW.format(Scale(of).x(of.at), high)


def _bar(scale: Scale, ran: Ran) -> Markup:
    """Return the bar of runs; what went wrong is taller."""
    x = scale.x(ran.began_at)
    wide = max(scale.x(ran.ended_at) - x, LEAST)
    y = 4 if ran.outcome in GOOD else 0
    return _BAR.format(ran.outcome, x, y, wide, HEIGHT - 2 * y, _told(ran))


def _told(ran: Ran) -> str:
    many = f"{ran.count} times " if ran.count > 1 else ""
    length = took((ran.ended_at - ran.began_at).total_seconds() * 1000)
    return f"{many}{look(ran.outcome).word}, {ran.began_at:%Y-%m-%d %H:%M:%S}, {length}"


def said(one: Lane) -> str:
    """Return a lane in words."""
    counts: dict[str, int] = {}
    for ran in one.ran:
        counts[ran.outcome] = counts.get(ran.outcome, 0) + ran.count
    did = (
        ", ".join(f"{count} {look(outcome).word}" for outcome, count in counts.items())
        or "nothing ran"
    )
    did += f"; late, due {one.late_at:%H:%M}" if one.late_at else ""
    if one.dense:
        return f"{one.record.name}: {did}; due often"
    return f"{one.record.name}: {did}; {len(one.coming)} to come"
