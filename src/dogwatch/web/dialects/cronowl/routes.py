"""What the routes of CronOwl share: their base, scopes, and what is said of refusals."""

from typing import Any

from pydantic import BaseModel

from dogwatch.web.dialect.call import DialectCall
from dogwatch.web.dialect.route import router_of

BASE = "/api/v1"

router = router_of(BASE)


def may(call: DialectCall, scope: str) -> bool:
    """Whether the key has a scope."""
    return bool((call.caller.grant.scopes or frozenset()) & {scope, "*"})


def answers(model: type[BaseModel]) -> dict[str, Any]:
    """Return what a route says of its answers."""
    return {"response_model": model, "responses": _FAULTS}


_ERROR = {
    "type": "object",
    "required": ["success", "error"],
    "properties": {
        "success": {"const": False},
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "details": {"type": "object"},
            },
        },
    },
}
_FAULTS: dict[int | str, dict[str, Any]] = {
    status: {"description": told, "content": {"application/json": {"schema": _ERROR}}}
    for status, told in {
        400: "VALIDATION_ERROR or LIMIT_EXCEEDED",
        401: "UNAUTHORIZED or INVALID_API_KEY",
        403: "FORBIDDEN: the key lacks a scope",
        404: "NOT_FOUND",
        429: "RATE_LIMIT_EXCEEDED",
        503: "INTERNAL_ERROR: try again",
    }.items()
}
