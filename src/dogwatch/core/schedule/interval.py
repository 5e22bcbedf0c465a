"""Intervals: `300`, `90s`, `every 5 minutes`, `every day`; elapsed seconds, no calendar."""

import re

UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
SHORT = {
    **dict.fromkeys(("", "s", "sec", "secs"), "second"),
    **dict.fromkeys(("m", "min", "mins"), "minute"),
    **dict.fromkeys(("h", "hr", "hrs"), "hour"),
    "d": "day",
    "w": "week",
}
MAX_S = 3653 * 86400
FORM = re.compile(r"(?:every\s+)?(\d*)\s*([a-z]*)", re.IGNORECASE)


def is_interval(line: str) -> bool:
    """Tell an interval from the other kinds: it starts with `every`, or is `300` or `5m`."""
    return bool(re.match(r"every(\s|$)|\d+\s*[a-z]*$", line, re.IGNORECASE))


def interval_s(line: str) -> int:
    """Return the seconds of an interval, 1 to ten years; ValueError says what is wrong."""
    form = FORM.fullmatch(line)
    number, unit = form.groups() if form else ("", "")
    name = SHORT.get(unit.lower(), unit.lower().removesuffix("s"))
    alone = not unit and not line.isdigit()  # `every 1`: of what?
    if alone or name not in UNITS:
        raise ValueError(
            f"{line[:40]!r} is not an interval; use seconds (300) or 'every N' with"
            " s, m, h, d or w, such as 'every 5m' or 'every 2 hours'"
        )
    seconds = int(number or 1) * UNITS[name]
    if not 1 <= seconds <= MAX_S:
        raise ValueError("an interval lasts from 1 second to 10 years")
    return seconds


def shortest(text: str) -> str:
    """Return an interval in its fewest words, such as "every 5m"; what is none as it is."""
    line = text.strip()
    if not is_interval(line):
        return text
    name, count = _largest(interval_s(line))
    return f"every {count}{name[0]}"


def interval_phrase(seconds: int) -> str:
    """Describe an interval in its largest whole unit: "Every 5 minutes", "Every day"."""
    name, count = _largest(seconds)
    return f"Every {name}" if count == 1 else f"Every {count} {name}s"


def _largest(seconds: int) -> tuple[str, int]:
    """Return the largest whole unit, and how many of it."""
    name, unit = max(
        ((name, unit) for name, unit in UNITS.items() if seconds % unit == 0), key=lambda u: u[1]
    )
    return name, seconds // unit
