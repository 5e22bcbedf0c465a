"""The ladder of an incident: its facts below each other, with the time since the first."""

from collections.abc import Sequence
from datetime import tzinfo

from markupsafe import Markup

from dogwatch.core.plain import one_line, span
from dogwatch.usecases.ladder import Step

WIDTH, HIGH, RAIL, WORDS = 900, 34, 210, 230
LETTERS = 100
_PICTURE = Markup('<svg class="rungs" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
_RAIL = Markup('<line class="rail" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>')
_RUNG = Markup(
    '<circle class="{}" cx="{}" cy="{}" r="5"/><text class="at" x="0" y="{}">{}</text>'
    '<text x="{}" y="{}">{}</text>'
)
_GAP = Markup('<text class="gap" x="{}" y="{}">+{}</text>')


def drawn(steps: Sequence[Step], zone: tzinfo) -> Markup:
    """Return the picture of facts in the order of time."""
    high = max(len(steps), 1) * HIGH
    shapes = [_RAIL.format(RAIL, HIGH // 2, high - HIGH // 2)]
    for number, step in enumerate(steps):
        y = number * HIGH + HIGH // 2
        at = f"{step.at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
        kind = step.kind.replace(" ", "-")
        shapes.append(_RUNG.format(kind, RAIL, y, y + 4, at, WORDS, y + 4, _words(step)))
        if number:
            gap = (step.at - steps[0].at).total_seconds()
            shapes.append(_GAP.format(RAIL - 60, y - HIGH // 2 + 4, span(gap)))
    return _PICTURE.format(WIDTH, high, said(steps), Markup("").join(shapes))


def _words(step: Step) -> str:
    return one_line(
        " ".join(filter(None, (step.kind, step.name or step.watch, step.text))), LETTERS
    )


def said(steps: Sequence[Step]) -> str:
    """Return the picture in words."""
    if not steps:
        return "Nothing is known"
    length = span((steps[-1].at - steps[0].at).total_seconds())
    return f"{len(steps)} steps in {length}, from {steps[0].kind} to {steps[-1].kind}"
