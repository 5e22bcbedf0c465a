"""Errors as CronOwl words them: {"success": false, "error": {code, message, details?}}."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from math import ceil
from typing import Any

from fastapi import Response

from dogwatch.core.problems import Usage
from dogwatch.web.dialect.refusal import Refusal, Why
from dogwatch.web.dialects.cronowl.fields import CONTENT_TYPES, METHODS, PRESETS

CODES: dict[Why, tuple[int, str]] = {
    "nameless": (401, "UNAUTHORIZED"),
    "unauthorized": (401, "INVALID_API_KEY"),
    "refused": (403, "FORBIDDEN"),
    "exceeded": (400, "LIMIT_EXCEEDED"),
    "not_found": (404, "NOT_FOUND"),
    "no_path": (404, "NOT_FOUND"),
    "no_method": (405, "METHOD_NOT_ALLOWED"),
    "unreadable": (400, "VALIDATION_ERROR"),
    "invalid": (400, "VALIDATION_ERROR"),
    "conflict": (400, "VALIDATION_ERROR"),
    "limited": (429, "RATE_LIMIT_EXCEEDED"),
    "away": (503, "INTERNAL_ERROR"),
    "fault": (500, "INTERNAL_ERROR"),
}
MESSAGES: dict[Why, str] = {
    "nameless": "Missing or invalid Authorization header. Use: Bearer sk_live_xxx",
    "unauthorized": "Invalid or revoked API key",
    "no_path": "Resource not found",
    "limited": "Too many requests",
    "fault": "Internal server error",
}
OPTIONS: Mapping[str, Sequence[str]] = {
    "schedule": tuple(PRESETS),
    "method": METHODS,
    "contentType": CONTENT_TYPES,
}
# What a workspace without limits is called: the largest plan of CronOwl.
LARGEST = "pro"


def worded(refusal: Refusal, _: datetime) -> Response:
    """Return the answer to a refused call."""
    status, code = CODES[refusal.why]
    return answer(status, code, refusal.words(MESSAGES), _details(refusal))


def answer(
    status: int, code: str, message: str, details: Mapping[str, Any] | None = None
) -> Response:
    """Return an error."""
    error: dict[str, Any] = {"code": code, "message": message}
    if details:
        error["details"] = dict(details)
    said = {"success": False, "error": error}
    return Response(json.dumps(said), status, media_type="application/json")


def used_up(usage: Usage) -> Mapping[str, Any]:
    """Return what is told of a limit that is reached."""
    plan = LARGEST if usage.plan == "unlimited" else usage.plan
    return {"current": usage.present, "limit": usage.limit, "plan": plan}


def _details(refusal: Refusal) -> Mapping[str, Any]:
    if refusal.usage:
        return used_up(refusal.usage)
    if refusal.why == "limited":
        limit = max((asked.window.limit for asked, _ in refusal.spent), default=0)
        retry_after = max(1, ceil(refusal.retry_after_s or 1))
        return {"retryAfter": retry_after, "limit": limit, "remaining": 0}
    field = next(iter(refusal.fields), None)
    if field is None or refusal.why not in ("invalid", "conflict"):
        return {}
    options = OPTIONS.get(field)
    return {"field": field, "validOptions": list(options)} if options else {"field": field}
