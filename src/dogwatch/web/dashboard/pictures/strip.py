"""The strip of one watch: a bar for each stretch of time, the taller the worse."""

from collections.abc import Sequence
from datetime import timedelta

from markupsafe import Markup

from dogwatch.core.strip import lengths
from dogwatch.core.watch import Status

CELL_WIDTH, HEIGHT = 4, 24
# Height is a second cue beside colour.
_HEIGHTS = {
    Status.NEW: 3,
    Status.PAUSED: 6,
    Status.UP: 12,
    Status.DEGRADED: 18,
    Status.DOWN: 24,
}
WORDS = {
    Status.NEW: "not heard yet",
    Status.PAUSED: "paused",
    Status.UP: "OK",
    Status.DEGRADED: "slow",
    Status.DOWN: "down",
}
_PICTURE = Markup(
    '<svg class="strip" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}"'
    ' preserveAspectRatio="none">{}</svg>'
)
_BAR = Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>')


def drawn(cells: Sequence[Status], cell: timedelta) -> Markup:
    """Return the picture; its label says how long the watch was in each state."""
    bars, at = [], 0
    for status, count in lengths(cells):
        high, wide = _HEIGHTS[status], count * CELL_WIDTH
        bars.append(_BAR.format(str(status), at, HEIGHT - high, wide - 1, high))
        at += wide
    return _PICTURE.format(at, HEIGHT, at, HEIGHT, said(cells, cell), Markup("").join(bars))


def said(cells: Sequence[Status], cell: timedelta) -> str:
    """Return the picture in words."""
    times = {status: cells.count(status) * cell for status in _HEIGHTS}
    parts = [f"{_span(time)} {WORDS[status]}" for status, time in times.items() if time]
    return f"Last {_span(cell * len(cells))}: " + ", ".join(reversed(parts))


def _span(time: timedelta) -> str:
    hours = time.total_seconds() / 3600
    return f"{hours / 24:g} days" if hours > 48 and hours % 24 == 0 else f"{hours:g} h"
