"""The OpenAPI document of a dialect, completed by what FastAPI cannot know: keys and refusals.

The shapes of refusals are read off what the dialect itself says to each of them, so none is told
of that is not sent.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, get_args

from dogwatch.web.dialect.opened import paths_of
from dogwatch.web.dialect.refusal import Refusal, Why
from dogwatch.web.dialect.tongue import Tongue

# What no route of the document answers with, whatever it is asked.
_BESIDE: frozenset[Why] = frozenset({"no_path", "no_method", "fault"})
_AT = datetime(2026, 1, 5, 12, tzinfo=UTC)
_FAULTS: Sequence[Mapping[str, str]] = ({}, {"name": "is required"}, {"url": "is required"})
_TYPES: Mapping[type, str] = {
    str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object",
}  # fmt: skip


def completed(document: dict[str, Any], tongue: Tongue) -> dict[str, Any]:
    """Return the document with its key and with the refusals of each operation."""
    components = document.setdefault("components", {})
    components["securitySchemes"] = {"key": _scheme(tongue.key_header)}
    document["security"] = [{"key": []}]
    refusals = dict(_refusals(tongue))
    for methods in document["paths"].values():
        for operation in methods.values():
            told = operation["responses"]
            told.pop("422", None)  # FastAPI's own, which is never sent
            told.update({status: one for status, one in refusals.items() if status not in told})
    document["paths"] |= paths_of(tongue.opened)
    _drop_unused(components.get("schemas", {}))
    return document


def _scheme(header: str) -> dict[str, str]:
    """Return how a key is sent: as a bearer, or in a header of its own."""
    if header == "Authorization":
        return {"type": "http", "scheme": "bearer"}
    return {"type": "apiKey", "in": "header", "name": header}


def _refusals(tongue: Tongue) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what is answered by each status: the shape that all its refusals have in common."""
    said: dict[int, list[Any]] = {}
    for why in get_args(Why):
        for fields in _FAULTS if why not in _BESIDE else ():
            answer = tongue.worded(Refusal(why, "why", fields), _AT)
            said.setdefault(answer.status_code, []).append(json.loads(bytes(answer.body)))
    for status, bodies in sorted(said.items()):
        content = {"application/json": {"schema": _schema(bodies), "example": bodies[-1]}}
        yield str(status), {"description": HTTPStatus(status).phrase, "content": content}


def _schema(bodies: Sequence[Any]) -> dict[str, Any]:
    """Return the schema of values; what only some of them have is not required."""
    kinds = {_TYPES[type(body)] for body in bodies}
    if kinds != {"object"}:
        return {"type": next(iter(kinds))} if len(kinds) == 1 else {}
    names = list(dict.fromkeys(name for body in bodies for name in body))
    return {
        "type": "object",
        "properties": {
            name: _schema([body[name] for body in bodies if name in body]) for name in names
        },
        "required": [name for name in names if all(name in body for body in bodies)],
    }


def _drop_unused(schemas: dict[str, Any]) -> None:
    """Forget the shapes of FastAPI's own refusal."""
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
