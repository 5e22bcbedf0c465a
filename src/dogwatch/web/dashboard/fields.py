"""Reading the fields of forms: what cannot be meant is told by field."""

from collections.abc import Sequence

from dogwatch.core.lengths import length_s
from dogwatch.core.plain import whole_number
from dogwatch.core.problems import invalid
from dogwatch.core.windows import check_zone
from dogwatch.web.dashboard.visit import Visit

_DIGITS = 6


def whole(visit: Visit, name: str) -> int | None:
    """Return a whole number, None where nothing was given."""
    text = visit.form.get(name, "").strip()
    number = whole_number(text, _DIGITS)
    if text and number is None:
        raise invalid(name, "give a whole number")
    return number


def seconds(visit: Visit, name: str) -> int | None:
    """Return a length of time in seconds, None where nothing was given."""
    text = visit.form.get(name, "").strip()
    given_s = length_s(text)
    if text and given_s is None:
        raise invalid(name, "give a length of time, such as 90 s, 5 min or 1 h 30 min")
    return given_s


def parts(visit: Visit, name: str) -> Sequence[str]:
    """Return what stands between commas and on lines."""
    text = visit.form.get(name, "").replace(",", "\n")
    return [part.strip() for part in text.splitlines() if part.strip()]


def zone(visit: Visit) -> str:
    """Return a time zone, UTC where nothing was given."""
    timezone = visit.form.get("timezone") or "UTC"
    check_zone(timezone)
    return timezone


def ticked(visit: Visit, prefix: str, choices: Sequence[str]) -> list[str]:
    """Return the choices whose boxes are ticked."""
    return [one for one in choices if f"{prefix}{one}" in visit.form]
