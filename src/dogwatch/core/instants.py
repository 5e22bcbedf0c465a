"""Instants as machines write them, RFC 3339 in UTC with Z; and those in a sentence, elsewhere."""

import re
from datetime import UTC, datetime, tzinfo
from typing import overload

# A time in a sentence; of a stretch the zone stands once, behind its end.
_UTC = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?)( UTC| to (?=\d{4}-))")


@overload
def iso(at: datetime) -> str: ...
@overload
def iso(at: None) -> None: ...
def iso(at: datetime | None) -> str | None:
    """Return an instant to the millisecond, such as 2026-01-05T12:00:00.000Z; None for none."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@overload
def iso_s(at: datetime) -> str: ...
@overload
def iso_s(at: None) -> None: ...
def iso_s(at: datetime | None) -> str | None:
    """Return an instant to the second, such as 2026-01-05T12:00:00Z; None for none."""
    return None if at is None else f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def in_zone(sentence: str, zone: tzinfo, name: str, shown: str = "{}") -> str:
    """Return a sentence with its times of UTC on the clock of a zone, each as `shown` has it."""

    def there(found: re.Match[str]) -> str:
        at = datetime.fromisoformat(found[1]).replace(tzinfo=UTC).astimezone(zone)
        time = shown.format(at.strftime("%Y-%m-%d %H:%M:%S")[: len(found[1])])
        return time + (f" {name}" if found[2] == " UTC" else found[2])

    return _UTC.sub(there, sentence)
