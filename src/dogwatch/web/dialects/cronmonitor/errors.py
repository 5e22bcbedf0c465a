"""Errors as CronMonitor words them: {"error": {code, message, details?}}."""

import json
from datetime import datetime
from typing import Any

from fastapi import Response

from dogwatch.web.dialect.refusal import Refusal, Why
from dogwatch.web.dialects.cronmonitor.wire import NOT_CRON

CODES: dict[Why, tuple[int, str]] = {
    "nameless": (401, "unauthorized"),
    "unauthorized": (401, "unauthorized"),
    "refused": (403, "forbidden"),
    "exceeded": (403, "forbidden"),
    "not_found": (404, "not_found"),
    "no_path": (404, "not_found"),
    "no_method": (405, "method_not_allowed"),
    "unreadable": (422, "validation_error"),
    "invalid": (422, "validation_error"),
    "conflict": (422, "validation_error"),
    "limited": (429, "rate_limit_exceeded"),
    "away": (503, "server_error"),
    "fault": (500, "server_error"),
}
MESSAGES: dict[Why, str] = {
    "nameless": "Invalid or missing API token",
    "unauthorized": "Invalid or missing API token",
    "not_found": "Resource not found",
    "no_path": "Resource not found",
    "limited": "Too many requests",
    "fault": "Internal server error",
}


def worded(refusal: Refusal, _: datetime) -> Response:
    """Return the answer to a refused call."""
    status, code = CODES[refusal.why]
    error: dict[str, Any] = {"code": code, "message": _message(refusal)}
    if code == "validation_error" and refusal.fields:
        error["details"] = {name: [text] for name, text in refusal.fields.items()}
    return Response(json.dumps({"error": error}), status, media_type="application/json")


def _message(refusal: Refusal) -> str:
    if refusal.fields == {"schedule": NOT_CRON}:
        return "Invalid schedule format"
    return refusal.words(MESSAGES)
