"""What a dialect answers without a key, as its OpenAPI document tells it: pings, hooks, pages."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

JSON, TEXT, SVG = "application/json", "text/plain", "image/svg+xml"
PINGED = ("GET", "POST")
OF_PINGS = (200, 201, 400, 404, 409, 429, 503)


@dataclass(frozen=True, slots=True)
class Open:
    """What is done by `methods` of a path, how it may be answered, and in which media types."""

    told: str
    methods: Sequence[str] = ("GET",)
    statuses: Sequence[int] = (200, 404, 429, 503)
    media: Sequence[str] = (JSON,)


def pinged(told: Mapping[str, str]) -> dict[str, Open]:
    """Return pings by their paths, each told in a sentence.

    Any path finds any key, which is answered as its own dialect does.
    """
    return {path: Open(words, PINGED, OF_PINGS, (JSON, TEXT)) for path, words in told.items()}


def paths_of(opened: Mapping[str, Open]) -> dict[str, Any]:
    """Return the path items of an OpenAPI document."""
    return {path: _item(path, one) for path, one in opened.items()}


def _item(path: str, one: Open) -> dict[str, Any]:
    content: dict[str, Any] = {media: {} for media in one.media}
    answers = {
        str(status): {"description": HTTPStatus(status).phrase, "content": content}
        for status in one.statuses
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", path)
    ]
    names = re.sub(r"\W+", "_", path).strip("_")
    return {
        method.lower(): {
            "summary": one.told,
            "operationId": f"{method.lower()}_{names}",
            "security": [],
            "parameters": parameters,
            "responses": answers,
        }
        for method in one.methods
    }
