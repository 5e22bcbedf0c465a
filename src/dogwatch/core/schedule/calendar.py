"""One calendar line (cron or OnCalendar) on the clock of its time zone.

The libraries answer "which wall time comes next?"; which instant that is, is decided here, by one
rule for both kinds of line. It is Debian's (cron(8), Notes):

- Clocks go forward by less than 3 hours: a fixed time inside the gap runs at the jump.
- Clocks go forward by 3 hours or more (a skipped day): what lies in the gap does not run.
- Clocks go back: a fixed time inside the overlap runs once, the first time round.
- A line with a `*` leading its hours or minutes is no fixed time: it follows the clock as it is,
  without the gap and twice through the overlap, so that elapsed time between runs stays even.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dogwatch.core.schedule.english import MONTH_NAMES, Pattern, phrase
from dogwatch.core.schedule.spans import LAST_YEAR, SECOND, Change, spans

CORRECTION = timedelta(hours=3)
# No wall time is further from its instant, a repeated day included.
SLACK = timedelta(days=2)
NEVER, EVER = datetime(9998, 1, 1), datetime(1, 1, 1)  # noqa: DTZ001 (wall times)


@dataclass(frozen=True, slots=True)
class Calendar:
    """A compiled line. `next_wall(w)`: the first matching wall time >= w, or `NEVER`."""

    zone: ZoneInfo
    fixed: bool
    pattern: Pattern
    next_wall: Callable[[datetime], datetime]

    def after(self, at: datetime) -> datetime | None:
        """Return the first instant after `at` (both naive UTC), None if there is none."""
        while at.year < LAST_YEAR:
            horizon = datetime(at.year + 2, 1, 1)  # noqa: DTZ001 (naive UTC)
            due = self._until(horizon, at)
            if due is not None:
                return due
            at = max(horizon - SECOND, self.next_wall(horizon - SLACK) - SLACK)
        return None

    def _until(self, horizon: datetime, at: datetime) -> datetime | None:
        low = found = EVER  # no wall time in [low, found) matches
        for span in spans(self.zone, at, horizon):
            start = self._opens(span.opening)
            if span.opening.at <= at:
                start = max(start, _tick(at + span.opening.after))
            if not low <= start <= found:
                low, found = start, self.next_wall(start)
            due = max(found - span.opening.after, span.opening.at)
            if due < span.end:
                return due
        return None

    def _opens(self, change: Change) -> datetime:
        """The first wall time that counts after a change of the clocks."""
        if self.fixed and change.shift < CORRECTION:
            return change.at + change.before
        return change.at + change.after

    def dst_note(self, change: Change) -> str | None:
        """Say what a change of the clocks does to this line, None if nothing."""
        low, high = change.walls
        if self.next_wall(low) >= high:
            return None
        effect = self._effect(change, f"{low:%H:%M} to {high:%H:%M}")
        return f"{low.day} {MONTH_NAMES[low.month - 1][:3]}: clocks go {effect}"

    def _effect(self, change: Change, walls: str) -> str:
        if change.shift < timedelta():
            return "back, runs once" if self.fixed else f"back, runs in both passes of {walls}"
        if self.fixed and change.shift < CORRECTION:
            return f"forward, runs at {change.at + change.after:%H:%M}"
        return f"forward, {walls} is skipped"

    def english(self) -> str:
        """Describe the line, without its time zone."""
        return phrase(self.pattern)


def _tick(wall: datetime) -> datetime:
    return wall.replace(microsecond=0) + SECOND
