"""The axes of a plot: lengths of time up its side, times below it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from markupsafe import Markup

from dogwatch.core import ticks
from dogwatch.web.dashboard.pictures.length import took

WIDTH, LEFT, RIGHT, TOP, BELOW = 640, 110, 24, 18, 32
# So far from both edges the word of a time has room, letters of a phone included.
ASIDE = 60
_UP = Markup(
    '<line class="grid" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/>'
    '<text class="up" x="{}" y="{:.1f}">{}</text>'
)
_ALONG = Markup('<text class="along" x="{:.1f}" y="{:.1f}">{}</text>')


@dataclass(frozen=True, slots=True)
class Axes:
    """Where a time and a length lie in a plot of some height; its top is `most_ms`."""

    begin_at: datetime
    end_at: datetime
    most_ms: float
    high: int
    zone: tzinfo

    def x(self, at: datetime) -> float:
        """Return the place of a time."""
        length = self.end_at - self.begin_at
        share = (at - self.begin_at) / length if length else 0.5
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, ms: float) -> float:
        """Return the place of a length."""
        return TOP + (1 - min(ms / self.most_ms, 1.0)) * (self.high - TOP)

    def drawn(self) -> Iterator[Markup]:
        """Yield lines and words of both axes."""
        for ms in ticks.lengths_ms(self.most_ms):
            y = self.y(ms)
            yield _UP.format(LEFT, WIDTH - RIGHT, LEFT - 8, y + 4, took(ms) if ms else "0", y=y)
        # So few that they have room on a phone, where letters are larger.
        step, marks = ticks.times(self.begin_at, self.end_at, self.zone, most=4)
        for at in marks or [self.begin_at]:
            x = min(max(self.x(at), LEFT + ASIDE), WIDTH - ASIDE)
            yield _ALONG.format(x, self.high + 24, ticks.told(at.astimezone(self.zone), step))


def roomy(begin_at: datetime, end_at: datetime) -> tuple[datetime, datetime]:
    """Return a stretch of time with some room on both sides."""
    room = (end_at - begin_at) / 50 or timedelta(minutes=1)
    return begin_at - room, end_at + room
