"""Writes docs/states.md, the picture of the state machine, from the table that it runs on."""

from pathlib import Path

from dogwatch.core.watch import TABLE, Event, Status

PAGE = Path(__file__).parents[1] / "docs" / "states.md"

STATUSES = {
    Status.NEW: "made, or resumed, and nothing heard yet; silence is not judged",
    Status.UP: "the last evidence was good",
    Status.DEGRADED: "the last evidence was good but slow",
    Status.DOWN: "enough failures or misses in a row",
    Status.PAUSED: "nothing is expected",
}
EVENTS = {
    Event.GOOD: "a success; from `down`, as many in a row as the watch asks for",
    Event.SLOW: "the same, but it took longer than the limit",
    Event.BAD: "a failure, a timeout or a miss; as many in a row as the watch asks for",
    Event.PAUSE: "somebody paused the watch",
    Event.RESUME: "somebody resumed a watch whose last evidence was good",
    Event.RESUME_SLOW: "somebody resumed a watch whose last evidence was slow",
    Event.RESUME_DOWN: "somebody resumed a watch that was down, or failed during the pause",
    Event.RESTART: "somebody resumed a watch that had never been heard well, nor had gone down",
}


def diagram() -> str:
    """Return the Mermaid state diagram of `TABLE`."""
    moves = [f"    {before} --> {after}: {event}" for (before, event), after in TABLE.items()]
    return "\n".join(["stateDiagram-v2", f"    [*] --> {Status.NEW}", *moves])


def table(title: str, meanings: dict[Status, str] | dict[Event, str]) -> str:
    """Return a Markdown table of names and their meaning."""
    rows = [f"| `{name}` | {meaning} |" for name, meaning in meanings.items()]
    return "\n".join([f"| {title} | Meaning |", "|---|---|", *rows])


def page() -> str:
    """Return the whole page."""
    return f"""# The states of a watch

A change of status is a flip, and alerts come from flips alone. What is not in the table changes
nothing. `late` and `running` are shown, but never stored. (This page is made by
`python tools/state_diagram.py` from `TABLE` in `src/dogwatch/core/watch/state.py`.)

```mermaid
{diagram()}
```

{table("Status", STATUSES)}

{table("Event", EVENTS)}
"""


if __name__ == "__main__":
    PAGE.write_text(page())
