"""Lengths of time in pictures."""


def took(ms: float) -> str:
    """Return a duration for people, in three digits: "585 ms", "7.36 s", "2 h"."""
    for unit, size_ms in (("h", 7_200_000), ("min", 60_000), ("s", 1_000)):
        if ms >= size_ms:
            length_ms = 3_600_000 if unit == "h" else size_ms
            return f"{ms / length_ms:.3g} {unit}"
    return f"{ms:.0f} ms"
