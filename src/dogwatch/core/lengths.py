"""Lengths of time as people write them: "90 s", "5 min", "1 h 30 min"; none is ever rounded."""

import re

_UNITS = {"d": 86_400, "h": 3_600, "min": 60, "s": 1}
_WORDS = {
    "": 60,
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86400),
    **dict.fromkeys(("w", "week", "weeks"), 604800),
}
_PART = re.compile(r"(\d{1,9})\s*([a-z]*)[\s,]*", re.ASCII)


def length_s(text: str) -> int | None:
    """Return a length in seconds, a bare number counting minutes; None of what is none."""
    said, at, total_s = text.strip().lower(), 0, 0
    if not said:
        return None
    while at < len(said):
        part = _PART.match(said, at)
        if part is None or part[2] not in _WORDS:
            return None
        total_s += int(part[1]) * _WORDS[part[2]]
        at = part.end()
    return total_s


def words_of(seconds: int) -> str:
    """Return a length so that `length_s` reads it back: "1 min 30 s"."""
    parts, rest = [], seconds
    for unit, size_s in _UNITS.items():
        count, rest = divmod(rest, size_s)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts) or "0 s"
