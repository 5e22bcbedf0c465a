"""Times as they are sent: ISO 8601 with a zone."""

from datetime import UTC, datetime

from pydantic.config import JsonDict

from dogwatch.core.problems import invalid

DATE_TIME: JsonDict = {"format": "date-time"}


def instant(field: str, text: str) -> datetime:
    """Return the time in UTC; a Problem of `field` where it is none."""
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise invalid(field, "give a time such as 2027-01-01T00:00:00Z")
