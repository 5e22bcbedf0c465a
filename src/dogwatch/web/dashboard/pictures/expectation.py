"""What is expected: due, then late, then an alert, on one line."""

from datetime import datetime, timedelta

from markupsafe import Markup

WIDTH, HEIGHT, EDGE, LATE = 640, 64, 40, 400
_PICTURE = Markup(
    '<svg class="expectation" viewBox="0 0 {} {}" role="img" aria-label="{}">'
    '<line class="axis" x1="0" x2="{}" y1="24" y2="24"/>{}</svg>'
)
_DUE = Markup(
    '<circle class="due" cx="{0}" cy="24" r="7"/><text x="{0}" y="56">{1}</text>'
)  # fmt: skip
_LATE = Markup('<rect class="late" x="{}" y="18" width="{}" height="12"/>')
_ALERT = Markup('<path class="alert" d="M{0} 14l10 18h-20z"/><text x="{0}" y="56">{1}</text>')


def drawn(due_at: datetime, grace_s: int | None) -> Markup:
    """Return the picture of one due time, on the clock of its zone; `grace_s` None: no alert."""
    due = _DUE.format(EDGE + 20, f"due {due_at:%H:%M}")
    if grace_s is None:
        told = f"Due {due_at:%Y-%m-%d %H:%M}; nothing is late"
        return _PICTURE.format(WIDTH, HEIGHT, told, WIDTH, due)
    alert_at = due_at + timedelta(seconds=grace_s)
    told = f"Due {due_at:%Y-%m-%d %H:%M}, late from then on, alert at {alert_at:%Y-%m-%d %H:%M}"
    late = _LATE.format(EDGE + 27, LATE) if grace_s else Markup("")
    place = EDGE + 27 + LATE if grace_s else EDGE + 130
    alert = _ALERT.format(place, f"alert {alert_at:%H:%M}")
    return _PICTURE.format(WIDTH, HEIGHT, told, WIDTH, late + due + alert)
