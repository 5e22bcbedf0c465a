"""The strip of one watch: a bar for each stretch of time, the taller the worse."""

from collections.abc import Sequence
from datetime import timedelta

from markupsafe import Markup

from dogwatch.core.states import look
from dogwatch.core.strip import lengths
from dogwatch.core.watch import Status
from dogwatch.usecases.overview import AHEAD, Strip

CELL_WIDTH, HEIGHT = 4, 24
# Height is a second cue beside colour.
_HEIGHTS = {
    Status.NEW: 3,
    Status.PAUSED: 6,
    Status.UP: 12,
    Status.DEGRADED: 18,
    Status.DOWN: 24,
}
_PICTURE = Markup(
    '<svg class="strip" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}"'
    ' preserveAspectRatio="none">{}</svg>'
)
_SOON = Markup('<rect class="coming" x="{}" y="{}" width="3" height="11"/>')
_EDIT = Markup('<line class="edit" x1="{0:.1f}" x2="{0:.1f}" y1="0" y2="{1}"/>')
_BAR = Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>')


def of(one: Strip) -> Markup:
    """Return the picture of a strip; its label says how long the watch was in each state.

    Behind the last cell stands a hollow one if something is due soon, a low one while it is
    paused; a line is where the schedule was changed.
    """
    cells, cell, soon, edits = one.cells, one.cell, one.soon, one.places
    bars, at = [], 0
    for status, count in lengths(cells):
        high, wide = _HEIGHTS[status], count * CELL_WIDTH
        bars.append(_BAR.format(str(status), at, HEIGHT - high, wide - 1, high))
        at += wide
    if soon:
        bars.append(_SOON.format(at, HEIGHT - _HEIGHTS[Status.UP]))
    if one.paused:
        high = _HEIGHTS[Status.PAUSED]
        bars.append(_BAR.format(Status.PAUSED, at, HEIGHT - high, 3, high))
    bars += [_EDIT.format(min(one, len(cells)) * CELL_WIDTH, HEIGHT) for one in edits]
    told = said(cells, cell)
    told += f"; due within the next {_span(AHEAD * cell)}" if soon else ""
    told += "; paused now" if one.paused else ""
    told += f"; schedule changed {len(edits)}×" if edits else ""
    wide = at + CELL_WIDTH
    return _PICTURE.format(wide, HEIGHT, wide, HEIGHT, told, Markup("").join(bars))


def said(cells: Sequence[Status], cell: timedelta) -> str:
    """Return the picture in words."""
    times = {status: cells.count(status) * cell for status in _HEIGHTS}
    parts = [f"{_span(time)} {look(str(status)).word}" for status, time in times.items() if time]
    return f"Last {_span(cell * len(cells))}: " + ", ".join(reversed(parts))


def _span(time: timedelta) -> str:
    hours = time.total_seconds() / 3600
    return f"{hours / 24:g} days" if hours > 48 and hours % 24 == 0 else f"{hours:g} h"
