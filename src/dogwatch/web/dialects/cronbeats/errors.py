"""Errors as CronBeats words them; 429 has a shape of its own."""

import json
from datetime import UTC, datetime
from typing import Any

from fastapi import Response

from dogwatch.core.instants import iso_s
from dogwatch.web.dialect.refusal import Refusal, Why
from dogwatch.web.dialects.cronbeats.times import spaced

CODES: dict[Why, tuple[int, str]] = {
    "nameless": (401, "missing_api_key"),
    "unauthorized": (401, "invalid_api_key"),
    "refused": (403, "forbidden"),
    "exceeded": (403, "forbidden"),
    "not_found": (404, "not_found"),
    "no_path": (404, "not_found"),
    "no_method": (405, "method_not_allowed"),
    "unreadable": (400, "bad_request"),
    "conflict": (400, "bad_request"),
    "invalid": (422, "validation_error"),
    "away": (503, "server_error"),
    "fault": (500, "server_error"),
}
MESSAGES: dict[Why, str] = {
    "nameless": "API key is required",
    "unauthorized": "Invalid or expired API key",
    "not_found": "Resource not found",
    "no_path": "Resource not found",
    "fault": "Internal server error",
}


def worded(refusal: Refusal, at: datetime) -> Response:
    """Return the answer to a refused call."""
    if refusal.why == "limited":
        return _answer(429, _limited(refusal, at))
    status, code = CODES[refusal.why]
    said: dict[str, Any] = {"success": False, "error": code, "message": refusal.words(MESSAGES)}
    if code == "validation_error":
        said["errors"] = {name: [text] for name, text in refusal.fields.items()}
    return _answer(status, said | {"meta": {"timestamp": iso_s(at)}})


def refused(status: int, code: str, message: str, at: datetime) -> Response:
    """Return an answer whose code only one route has."""
    said = {"success": False, "error": code, "message": message}
    return _answer(status, said | {"meta": {"timestamp": iso_s(at)}})


def _limited(refusal: Refusal, at: datetime) -> dict[str, Any]:
    """Return what is said of the window that is spent for the longest time."""
    spent = [(asked, verdict) for asked, verdict in refusal.spent if not verdict.passes]
    error: dict[str, Any] = {"type": "per_minute", "limit": 0, "reset_at": spaced(at)}
    if spent:
        asked, verdict = max(spent, key=lambda one: one[1].retry_after_s)
        error = {
            "type": f"per_{asked.name.lower()}",
            "limit": asked.window.limit,
            "reset_at": spaced(verdict.reset_at.astimezone(UTC)),
        }
    return {"success": False, "message": "Rate limit exceeded", "error": error}


def _answer(status: int, said: dict[str, Any]) -> Response:
    return Response(json.dumps(said), status, media_type="application/json")
