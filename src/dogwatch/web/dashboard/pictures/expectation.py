"""What is expected: due, then late, then an alert, on one line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from markupsafe import Markup

from dogwatch.core.instants import iso
from dogwatch.web.dashboard.pictures.table import Table

WIDTH, HEIGHT, EDGE, LATE = 640, 64, 40, 400
_PICTURE = Markup(
    '<svg class="expectation" viewBox="0 0 {} {}" role="img" aria-label="{}">'
    '<line class="axis" x1="0" x2="{}" y1="24" y2="24"/>{}</svg>'
)
_DUE = Markup(
    '<circle class="due" cx="{}" cy="24" r="7"/><text class="begin" x="0" y="56">{}</text>'
)  # fmt: skip
_LATE = Markup('<rect class="late" x="{}" y="18" width="{}" height="12"/>')
_ALERT = Markup('<path class="alert" d="M{0} 14l10 18h-20z"/><text x="{0}" y="56">{1}</text>')


@dataclass(frozen=True, slots=True)
class Expected:
    """Due times, soonest first, on the clock of who looks.

    `grace_s` is how long after each an alert comes; None: none comes, as `silent` says.
    """

    coming: Sequence[datetime]
    grace_s: int | None
    silent: str = "nothing is late"

    @property
    def numbers(self) -> Mapping[str, Any]:
        """The same as JSON; null where nothing is late, or tells of it."""
        return {
            "due_at": [iso(at) for at in self.coming],
            "late_after_s": None if self.grace_s is None else 0,
            "alert_after_s": self.grace_s,
        }


def table(one: Expected) -> Table:
    """Return what is expected as a table."""
    if one.grace_s is None:
        return Table("What is expected", ("Due",), [(at,) for at in one.coming])
    rows = [(at, _later(at, one.grace_s)) for at in one.coming]
    return Table("What is expected", ("Due, late from then on", "Alert"), rows)


def drawn(one: Expected) -> Markup:
    """Return the picture of the first due time."""
    due_at, grace_s = one.coming[0], one.grace_s
    clock = _clock(due_at, grace_s or 0)
    due = _DUE.format(EDGE + 20, f"due {due_at:{clock}}")
    if grace_s is None:
        told = f"Due {due_at:%Y-%m-%d {clock}}; {one.silent}"
        return _PICTURE.format(WIDTH, HEIGHT, told, WIDTH, due)
    alert_at = _later(due_at, grace_s)
    told = f"Due {due_at:%Y-%m-%d {clock}}, late from then on, alert at {alert_at:%Y-%m-%d {clock}}"
    late = _LATE.format(EDGE + 27, LATE) if grace_s else Markup("")
    place = EDGE + 27 + LATE if grace_s else EDGE + 260
    alert = _ALERT.format(place, f"alert {alert_at:{clock}}")
    return _PICTURE.format(WIDTH, HEIGHT, told, WIDTH, late + due + alert)


def _later(at: datetime, seconds: int) -> datetime:
    """Return the time so much later on the same clock, which may change in between."""
    return (at.astimezone(UTC) + timedelta(seconds=seconds)).astimezone(at.tzinfo)


def _clock(due_at: datetime, grace_s: int) -> str:
    """Return how times are written: with seconds where minutes alone would hide a difference."""
    return "%H:%M:%S" if due_at.second or grace_s % 60 else "%H:%M"
