"""The two ways in which CronBeats writes times, both UTC."""

from datetime import UTC, datetime


def spaced(at: datetime) -> str:
    """Return a time as answers to pings and to too many requests write it."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
