"""Reading the fields of forms: what cannot be meant is told by field."""

from collections.abc import Sequence

from dogwatch.core.problems import invalid
from dogwatch.web.dashboard.visit import Visit

_DIGITS = 7


def whole(visit: Visit, name: str) -> int | None:
    """Return a whole number, None where nothing was given."""
    text = visit.form.get(name, "").strip()
    if text and not (text.isascii() and text.isdigit() and len(text) < _DIGITS):
        raise invalid(name, "give a whole number")
    return int(text) if text else None


def times(number: int | None, unit_s: int) -> int | None:
    """Return so many units as seconds."""
    return None if number is None else number * unit_s


def parts(visit: Visit, name: str) -> Sequence[str]:
    """Return what stands between commas and on lines."""
    text = visit.form.get(name, "").replace(",", "\n")
    return [part.strip() for part in text.splitlines() if part.strip()]


def ticked(visit: Visit, prefix: str, choices: Sequence[str]) -> list[str]:
    """Return the choices whose boxes are ticked."""
    return [one for one in choices if f"{prefix}{one}" in visit.form]
