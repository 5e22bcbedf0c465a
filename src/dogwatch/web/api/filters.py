"""Filters of lists, as query parameters."""

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import AfterValidator

from dogwatch.core.result import Outcome
from dogwatch.core.watch import Status as WatchStatus

_LONGEST = 64


def _plain(text: str) -> str:
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("holds a character that nothing here can hold")
    return text


Text = Annotated[
    str | None, Query(min_length=1, max_length=_LONGEST), AfterValidator(lambda t: t and _plain(t))
]
Kind = Literal["heartbeat", "job", "probe", "workflow"] | None
Status = WatchStatus | None
RunState = Literal["queued", "running", "done"] | None
RunOutcome = Outcome | None
DeliveryState = Literal["held", "pending", "sent", "failed", "suppressed"] | None
IncidentState = Literal["open", "acknowledged", "closed"] | None


def given(**filters: str | None) -> dict[str, Any]:
    """Return the filters that were sent."""
    return {name: value for name, value in filters.items() if value}
