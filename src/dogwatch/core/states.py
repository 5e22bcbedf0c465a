"""How states look to people, on pages, in pictures and in a terminal: a shape and a word each."""

from collections.abc import Mapping
from typing import NamedTuple


class Look(NamedTuple):
    """A shape, so that nobody needs colours, and a word."""

    shape: str
    word: str


NOT_REACHED, WAITING = "not reached", "waiting"
LOOKS: Mapping[str, Look] = {
    # of items
    "new": Look("◌", "New"),
    "up": Look("✓", "OK"),
    "late": Look("▲", "Late"),
    "degraded": Look("◐", "Degraded"),
    "down": Look("✕", "Down"),
    "paused": Look("‖", "Paused"),
    "silenced": Look("⌂", "Silenced"),
    # of runs
    "queued": Look("◌", "Queued"),
    "running": Look("◔", "Running"),
    "ok": Look("✓", "OK"),
    "slow": Look("◐", "Degraded"),
    "fail": Look("✕", "Failed"),
    "timeout": Look("✕", "Timed out"),
    "missed": Look("✕", "Missed"),
    "skipped": Look("–", "Skipped"),
    "suppressed": Look("–", "Suppressed"),
    "unknown": Look("?", "Not seen"),
    # of nodes of a workflow
    WAITING: Look("◌", "Waiting"),
    NOT_REACHED: Look("◌", "Not reached"),
    # of incidents
    "open": Look("✕", "Open"),
    "acknowledged": Look("◔", "Acknowledged"),
    "closed": Look("✓", "Closed"),
}


def look(state: str) -> Look:
    """Return how a state looks; one that is not known here is told as it is."""
    return LOOKS.get(state) or Look("·", state)


def marked(state: str) -> str:
    """Return shape and word."""
    return " ".join(look(state))
