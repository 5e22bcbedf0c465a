"""Errors as Healthchecks words them, {"error": text}; it tells nobody of limits."""

import json
from collections.abc import Sequence
from datetime import datetime

from fastapi import Response

from dogwatch.core.limits import Verdict, Window
from dogwatch.core.plans import Plan
from dogwatch.usecases.callers import Caller
from dogwatch.usecases.limiting import Asked
from dogwatch.web.dialect.refusal import Refusal, Why
from dogwatch.web.dialect.tongue import Headers

MINUTE_S = 60
STATUSES: dict[Why, int] = {
    "nameless": 401,
    "unauthorized": 401,
    "refused": 401,
    "exceeded": 403,
    "not_found": 404,
    "no_path": 404,
    "no_method": 405,
    "unreadable": 400,
    "invalid": 400,
    "conflict": 409,
    "limited": 429,
    "away": 503,
    "fault": 500,
}
MESSAGES: dict[Why, str] = {
    "nameless": "missing api key",
    "unauthorized": "wrong api key",
    "refused": "wrong api key",
    "not_found": "not found",
    "no_path": "not found",
    "unreadable": "could not parse request body",
    "limited": "too many requests",
    "fault": "internal error",
}

# How a fault in a field is told, by Pydantic's name of it.
FAULTS = {
    "string_type": "is not a string",
    "string_too_long": "is too long",
    "string_pattern_mismatch": "does not match pattern",
    "int_type": "is not a number",
    "int_parsing": "is not a number",
    "int_parsing_size": "is too large",
    "greater_than_equal": "is too small",
    "less_than_equal": "is too large",
    "bool_type": "is not a boolean",
    "literal_error": "has unexpected value",
    "list_type": "is not an array",
}
# And one that our own rules found.
_BY_RULE = {
    "schedule": "is not a valid cron or OnCalendar expression",
    "tz": "is not a valid timezone",
}


def worded(refusal: Refusal, _: datetime) -> Response:
    """Return the answer to a refused call."""
    text = refusal.words(MESSAGES)
    if refusal.why == "invalid" and refusal.fields:
        place = "invalid query parameters" if refusal.query else "json validation error"
        text = f"{place}: {_first(refusal)[:500]}"
    body = json.dumps({"error": text})
    return Response(body, STATUSES[refusal.why], media_type="application/json")


def _first(refusal: Refusal) -> str:
    """Return the first fault as a sentence; that of an item is one already."""
    name, words = next(iter(refusal.fields.items()))
    if words.startswith("an item in "):
        return words
    known = words in FAULTS.values()
    return f"{name} {words if known else _BY_RULE.get(name, words)}"


def windows(plan: Plan, caller: Caller) -> Sequence[Asked]:
    """Return the windows of a workspace's plan; there are none of its own."""
    if plan.requests_per_minute is None:
        return ()
    subject = f"healthchecks:{caller.workspace_id}"
    return (Asked(subject, "minute", Window("fixed", plan.requests_per_minute, MINUTE_S)),)


def told(_: Sequence[tuple[Asked, Verdict]]) -> Headers:
    """Return nothing: no header tells of limits."""
    return ()
