"""Errors as problem+json (RFC 9457): type, title, status, detail, errors of {field, message}."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from math import ceil
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Message, Scope

from dogwatch.core.plain import counted
from dogwatch.core.problems import Kind, Problem
from dogwatch.web.guard import Guard, place_of

MEDIA_TYPE = "application/problem+json"
STATUSES: Mapping[Kind, int] = {
    "invalid": 422,
    "unauthorized": 401,
    "refused": 403,
    "not_found": 404,
    "conflict": 409,
    "exceeded": 403,
    "limited": 429,
    "away": 503,
}
# How a fault is told, by Pydantic's name of it.
_WORDS = {
    "missing": "is required",
    "extra_forbidden": "is not a field here; check its spelling",
    "string_unicode": "holds half a character (a lone surrogate)",
    "none_required": "must be null",
    "string_too_short": "must have at least {characters}",
    "string_too_long": "must have at most {characters}",
    "string_pattern_mismatch": "must match {pattern}",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "too_short": "must have at least {entries}",
    "too_long": "must have at most {entries}",
    "finite_number": "must be a finite number",
    "timezone_aware": "must name its time zone",
} | {
    f"{kind}_{fault}": f"must be {told}"
    for kind, told in {
        "string": "text", "int": "a whole number", "float": "a number", "bool": "true or false",
        "list": "a list", "tuple": "a list", "dict": "an object", "model": "an object",
        "model_attributes": "an object", "mapping": "an object",
        "datetime": "a time such as 2026-01-05T12:00:00Z", "date": "a date such as 2026-01-05",
    }.items()
    for fault in (
        "type", "parsing", "parsing_size", "from_float", "from_date_parsing", "object_invalid",
        "from_datetime_parsing",
    )
}  # fmt: skip
_OUR_OWN = "Value error, "  # what Pydantic puts before the words of our own rules
_CHOICES = frozenset({"str", "list[str]", "dict[str,any]"})  # Pydantic's names of a union's parts
_AGAIN_S = 5
_MAY_BE_KEPT = frozenset({b"cache-control", b"etag"})
MOST_TOLD = 30
_LONGEST_DETAIL = 4_000

Worded = Callable[[Request, int, str], Response]

_log = logging.getLogger("dogwatch.api")


def problem_response(
    status: int,
    detail: str,
    fields: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return an error in the one form of all errors."""
    if len(detail) > _LONGEST_DETAIL:
        detail = f"{detail[:_LONGEST_DETAIL]} …"
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "errors": [{"field": name, "message": text} for name, text in told(fields or {}).items()],
    }
    return Response(json.dumps(body), status, dict(headers or {}), MEDIA_TYPE)


async def on_problem(request: Request, problem: Exception) -> Response:
    """Word a Problem."""
    assert isinstance(problem, Problem)
    headers = {}
    if problem.kind == "unauthorized":
        headers["WWW-Authenticate"] = "Bearer"
    if problem.kind in ("limited", "away"):
        headers["Retry-After"] = str(max(1, ceil(problem.retry_after_s or _AGAIN_S)))
    return problem_response(STATUSES[problem.kind], problem.message, problem.fields, headers)


async def on_invalid(request: Request, error: Exception) -> Response:
    """Word what Pydantic found, each field once."""
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if found and found[0]["type"] == "json_invalid":
        what, where = found[0]["ctx"]["error"], found[0]["loc"][-1]
        place = f" at character {where}" if where else ""
        return problem_response(400, f"the body is not JSON: {what}{place}")
    fields = told(faults_of(found))
    return problem_response(422, "; ".join(f"{n}: {text}" for n, text in fields.items()), fields)


def faults_of(found: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return field and message of each of Pydantic's errors."""
    fields: dict[str, str] = {}
    for fault in found:
        places = [str(part) for part in fault["loc"] if part not in _CHOICES]
        if places[:1] in (["body"], ["query"], ["path"], ["header"]):
            places = places[1:] or places
        words = _WORDS.get(fault["type"], "").format(**_figures(fault.get("ctx", {})))
        fields.setdefault(".".join(places) or "body", words or fault["msg"].removeprefix(_OUR_OWN))
    return {plain(name): text for name, text in fields.items()}


def _figures(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a fault's words may name: a length also with its noun."""
    length = given.get("min_length", given.get("max_length", 0))
    nouns = {"characters": "character", "entries": "entry"}
    return {**given, **{name: counted(length, noun) for name, noun in nouns.items()}}


def told(fields: Mapping[str, str]) -> Mapping[str, str]:
    """Return the first faults, and how many more there are: an answer is for reading."""
    if len(fields) <= MOST_TOLD + 1:
        return fields
    first = dict(list(fields.items())[:MOST_TOLD])
    return first | {"body": f"has {len(fields) - len(first)} more faults"}


def plain(name: str) -> str:
    """Return a name that came from outside as text that every answer can hold."""
    return name.encode(errors="replace").decode()[:200]


async def on_http(request: Request, error: Exception) -> Response:
    """Word what the framework refuses: unknown paths, wrong methods, large or garbled bodies."""
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, Problem):  # raised while the framework read the body
        return await on_problem(request, error.__cause__)
    headers = dict(error.headers or {})
    match error.status_code:
        case 404:
            detail = "there is nothing at this address"
        case 405:
            headers["Allow"] = ", ".join(allowed(request))
            detail = f"this address takes {headers['Allow']}, not {request.method}"
        case 400:
            detail = "the body is not JSON in UTF-8"
        case _:
            detail = error.detail
    return problem_response(error.status_code, detail, headers=headers)


def allowed(request: Request) -> list[str]:
    """Return every method of the path: each of them may be a route of its own."""
    methods = set[str]()
    for route in request.app.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            methods |= getattr(route, "methods", None) or set()
    return sorted(methods | {"HEAD"} if "GET" in methods else methods)


def _headed(scope: Scope, message: Message) -> Message:
    """Return the head of an answer with what the caller is told of his limits.

    Nobody is to keep it unless it says so itself, or has a tag and is the same for all.
    """
    headers = [*message["headers"], *scope.get("state", {}).get("limit_headers", ())]
    if _MAY_BE_KEPT.isdisjoint(name for name, _ in headers):
        headers.append((b"cache-control", b"no-store"))
    return {**message, "headers": headers}


def as_problem(request: Request, status: int, detail: str) -> Response:
    """Word an error as problem+json, whoever asks."""
    return problem_response(status, detail)


def install(app: FastAPI, mistakes: Worded = as_problem) -> None:
    """Have an application answer every error as problem+json, or its own mistakes otherwise."""
    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)

    def sorry(scope: Scope, error: Exception) -> Response:
        _log.error("unexpected %s\n%s", type(error).__name__, place_of(error))
        return mistakes(Request(scope), 500, "Dogwatch made a mistake; its log says where")

    app.add_middleware(Guard, headed=_headed, sorry=sorry)
