"""Pauses as they are asked for: until somebody resumes it, or for a while."""

from collections.abc import Callable
from datetime import datetime, timedelta

from pydantic import Field

from dogwatch.core.problems import invalid
from dogwatch.core.spec import MAX_LIMIT_S
from dogwatch.usecases import watches
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import Record
from dogwatch.web.api.body import Body
from dogwatch.web.api.instants import DATE_TIME, instant

# What pauses a watch, or resumes it.
Turn = Callable[[Tx, Record, datetime], Record]


class Pausing(Body):
    """How long it rests: without fields until it is resumed."""

    until_at: str | None = Field(
        default=None,
        description="When it resumes by itself, within a year.",
        json_schema_extra=DATE_TIME,
    )
    for_s: int | None = Field(
        default=None, ge=1, le=MAX_LIMIT_S, description="The same in seconds, from now on."
    )

    def until(self, at: datetime) -> datetime | None:
        """Return when it resumes by itself, None for never; raise a Problem of both."""
        if self.until_at is not None and self.for_s is not None:
            raise invalid("for_s", "give until_at or for_s, not both")
        if self.until_at is not None:
            return instant("until_at", self.until_at)
        return None if self.for_s is None else at + timedelta(seconds=self.for_s)


def paused_by(body: Pausing | None, at: datetime) -> Turn:
    """Return what pauses a watch as was asked."""
    until_at = body.until(at) if body else None
    return lambda tx, record, at: watches.pause(tx, record, at, until_at)
