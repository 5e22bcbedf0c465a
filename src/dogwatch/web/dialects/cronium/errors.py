"""Errors as Cronium words them: {error, message, code, details?, timestamp}."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from math import ceil
from typing import Any

from fastapi import Response

from dogwatch.core.instants import iso_s
from dogwatch.web.dialect.refusal import AGAIN_S, Refusal, Why

CODES: Mapping[Why, tuple[int, str]] = {
    "nameless": (401, "Unauthorized"),
    "unauthorized": (401, "Unauthorized"),
    "refused": (403, "Forbidden"),
    "exceeded": (403, "Forbidden"),
    "not_found": (404, "Not Found"),
    "no_path": (404, "Not Found"),
    "no_method": (405, "Method Not Allowed"),
    "unreadable": (400, "Validation Error"),
    "invalid": (400, "Validation Error"),
    "conflict": (409, "Conflict"),
    "limited": (429, "Rate Limit Exceeded"),
    "away": (503, "Service Unavailable"),
    "fault": (500, "Internal Server Error"),
}
MESSAGES: Mapping[Why, str] = {
    "nameless": "Invalid or missing API token",
    "unauthorized": "Invalid or missing API token",
    "unreadable": "Invalid request data",
    "invalid": "Invalid request data",
    "limited": "Too many requests; try again later",
    "fault": "An unexpected error occurred",
}
TYPES = "Type must be one of: BASH, PYTHON, NODEJS, HTTP_REQUEST"
# A fault that begins so goes on from its field; any other follows a colon.
_PREDICATES = ("must ", "is ", "cannot ", "holds ", "has ", "of ")


def worded(refusal: Refusal, at: datetime) -> Response:
    """Return the answer to a refused call."""
    status, error = CODES[refusal.why]
    message = refusal.words(MESSAGES)
    said: dict[str, Any] = {"error": error, "message": message, "code": status}
    if status == 400:
        said["details"] = _details(refusal)
    said["timestamp"] = iso_s(at)
    if refusal.why == "limited":
        said["retryAfter"] = max(1, ceil(refusal.retry_after_s or AGAIN_S))
    if refusal.why == "fault":
        said["requestId"] = refusal.mark
    return Response(json.dumps(said), status, media_type="application/json")


def _details(refusal: Refusal) -> list[dict[str, str]]:
    if not refusal.fields:
        told = refusal.message[:1].upper() + refusal.message[1:]
        return [{"field": "body", "message": told[:500]}]
    return [
        {"field": name, "message": sentence(name, text)} for name, text in refusal.fields.items()
    ]


def sentence(field: str, fault: str) -> str:
    """Return a fault as a sentence about its field, such as "Name is required"."""
    if field == "type" and fault == "is required":
        return TYPES
    if not fault[:1].islower():
        return fault[:500]
    colon = "" if fault.startswith(_PREDICATES) else ":"
    return f"{_label(field)}{colon} {fault}"[:500]


def _label(field: str) -> str:
    """Return the name of a field as people read it: timeoutValue, "Timeout value".

    One within another stays as it was sent, such as nodes.0.eventId.
    """
    if "." in field:
        return field
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", field).capitalize()
