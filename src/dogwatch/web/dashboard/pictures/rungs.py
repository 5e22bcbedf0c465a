"""The ladder of an incident: its facts below each other, the further apart the longer it took."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

from markupsafe import Markup

from dogwatch.core.plain import one_line, span
from dogwatch.usecases.ladder import Step
from dogwatch.web.dashboard.pictures.table import Table

WIDTH, HIGH, ROOM, RAIL, WORDS = 900, 34, 16, 210, 230
LETTERS = 100
# From so many seconds on there is more room between two facts.
_ROOMS_S = (60, 3600)
_PICTURE = Markup('<svg class="rungs" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
_RAIL = Markup('<line class="rail" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>')
_RUNG = Markup(
    '<circle class="{}" cx="{}" cy="{}" r="5"/><text class="at" x="0" y="{}">{}</text>'
    '<text x="{}" y="{}">{}</text>'
)
_GAP = Markup('<text class="gap" x="{}" y="{}">+{}</text>')


@dataclass(frozen=True, slots=True)
class Rung:
    """A fact, how long after the first and after the one before, and how much room is above."""

    step: Step
    since_s: float
    gap_s: float

    @property
    def room(self) -> int:
        """0, 1 or 2: it came within a minute, within an hour, or later."""
        return sum(self.gap_s >= one_s for one_s in _ROOMS_S)


def rungs_of(steps: Sequence[Step]) -> list[Rung]:
    """Return the rungs of facts in the order of time."""
    before = [*steps[:1], *steps[:-1]]
    return [
        Rung(step, (step.at - steps[0].at).total_seconds(), (step.at - last.at).total_seconds())
        for step, last in zip(steps, before, strict=True)
    ]


def table(steps: Sequence[Step]) -> Table:
    """Return the facts as a table."""
    heads = ("Time", "Since the first", "Since the one before", "What", "Item", "How")
    rows = [
        (
            one.step.at, span(one.since_s), span(one.gap_s), one.step.kind,
            one.step.name or one.step.watch or "–", one.step.text,
        )
        for one in rungs_of(steps)
    ]  # fmt: skip
    return Table("What happened", heads, rows)


def drawn(steps: Sequence[Step], zone: tzinfo) -> Markup:
    """Return the picture of facts in the order of time."""
    shapes, y = [], HIGH // 2
    for number, one in enumerate(rungs_of(steps)):
        step, gap = one.step, ROOM * one.room
        if number:
            y += HIGH + gap
            shapes.append(_GAP.format(RAIL - 60, y - (HIGH + gap) // 2 + 4, span(one.since_s)))
        at = f"{step.at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
        kind = step.kind.replace(" ", "-")
        shapes.append(_RUNG.format(kind, RAIL, y, y + 4, at, WORDS, y + 4, _words(step)))
    rail = _RAIL.format(RAIL, HIGH // 2, y)
    return _PICTURE.format(WIDTH, y + HIGH // 2, said(steps), Markup("").join([rail, *shapes]))


def _words(step: Step) -> str:
    return one_line(
        " ".join(filter(None, (step.kind, step.name or step.watch, step.text))), LETTERS
    )


def said(steps: Sequence[Step]) -> str:
    """Return the picture in words."""
    if not steps:
        return "Nothing is known"
    if len(steps) == 1:
        return f"1 step: {steps[0].kind}"
    length = span((steps[-1].at - steps[0].at).total_seconds())
    return f"{len(steps)} steps in {length}, from {steps[0].kind} to {steps[-1].kind}"
