"""The two ways in which CronBeats writes times, both UTC."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import PlainSerializer


def iso(at: datetime) -> str:
    """Return a time as the management API writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def spaced(at: datetime) -> str:
    """Return a time as answers to pings and to too many requests write it."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


Instant = Annotated[datetime, PlainSerializer(iso, return_type=str)]
