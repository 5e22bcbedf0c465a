"""Instants as machines write them: RFC 3339 in UTC, with Z."""

from datetime import UTC, datetime
from typing import overload


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
