"""Errors as CronPulse words them: {"error": "…"}."""

import json
from collections.abc import Mapping
from datetime import datetime

from fastapi import Response

from dogwatch.web.dialect.refusal import Refusal, Why

CODES: dict[Why, int] = {
    "nameless": 401,
    "unauthorized": 401,
    "refused": 403,
    "exceeded": 403,
    "not_found": 404,
    "no_path": 404,
    "no_method": 405,
    "unreadable": 400,
    "invalid": 400,
    "conflict": 400,
    "limited": 429,
    "away": 503,
    "fault": 500,
}
MESSAGES: dict[Why, str] = {
    "nameless": "Missing API key",
    "unauthorized": "Invalid API key",
    "refused": "Insufficient permissions",
    "not_found": "Not found",
    "no_path": "Not found",
    "limited": "Too many requests",
    "fault": "Internal server error",
}
# Our names of fields that the dialect has others for.
FIELDS: Mapping[str, str] = {
    "timeout_s": "timeout",
    "expected_status": "expectedStatusCode",
    "start_by_s": "heartbeatTolerance",
}


def worded(refusal: Refusal, _: datetime) -> Response:
    """Return the answer to a refused call."""
    text = json.dumps({"error": _message(refusal)})
    return Response(text, CODES[refusal.why], media_type="application/json")


def _message(refusal: Refusal) -> str:
    if refusal.why in MESSAGES:
        return MESSAGES[refusal.why]
    faults = (f"{_name(field)}: {text}" for field, text in refusal.fields.items())
    return ("; ".join(faults) or refusal.message)[:500]


def _name(field: str) -> str:
    own = field.removeprefix("action.")
    return FIELDS.get(own, own)
