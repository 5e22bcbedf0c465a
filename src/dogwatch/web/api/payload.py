"""The body of a request: JSON to the letter, of a bounded size and a bounded number of values.

Whoever has a key may send what they like: each bound here is judged before the work it saves.
"""

import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from fastapi import HTTPException, Request
from starlette.types import Message

from dogwatch.core.problems import invalid
from dogwatch.web.api.problems import plain

MAX_BODY = 1024 * 1024
MAX_VALUES = 5_000
_EXACT = 2**53


# A string, or the rest where it has no end: with each quote the scan goes on behind it.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)


class StrictRequest(Request):
    """A request whose body is JSON to the letter (RFC 8259): no NaN, no name twice."""

    async def json(self) -> Any:
        """Return the body; ValueError if it is no such JSON, Problem if it is too much."""
        body = await self.body()
        if _marks(body) > MAX_VALUES and _marks(_STRING.sub(b"", body)) > MAX_VALUES:
            raise invalid("body", f"holds too much: at most {MAX_VALUES} values")
        text = body.decode("utf-8-sig")  # in no other encoding; json.loads would guess one
        return json.loads(
            text, object_pairs_hook=_object, parse_float=_number, parse_constant=_no_constant
        )


def _marks(text: bytes) -> int:
    """Return how many values JSON text has at most, one by one or opening something."""
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise json.JSONDecodeError(f"{_twice(pairs)!r} stands twice in one object", "", 0)
    return found


def _twice(pairs: Sequence[tuple[str, Any]]) -> str:
    times = Counter(name for name, _ in pairs)
    return plain(next(name for name, _ in pairs if times[name] > 1))


def _number(text: str) -> int | float:
    """Return a number; 5.0 is a whole one (JSON Schema 2020-12, section 4.2.3)."""
    value = float(text)
    return int(value) if value.is_integer() and abs(value) <= _EXACT else value


def _no_constant(name: str) -> Any:
    raise json.JSONDecodeError(f"{name} is no number of JSON", "", 0)


def check_media_type(request: Request) -> None:
    """Refuse a body that is not said to be JSON."""
    empty = request.headers.get("content-length", "0") == "0"
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/json" or (empty and "transfer-encoding" not in request.headers):
        return
    raise HTTPException(415, "send JSON, with Content-Type: application/json")


def capped(request: Request) -> Callable[[], Awaitable[Message]]:
    """Return the request's body, refused once it is more than 1 MiB."""
    left = MAX_BODY
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:20]) > MAX_BODY:
        left = -1

    async def receive() -> Message:
        nonlocal left
        message = await request.receive() if left >= 0 else {}
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(413, "the body is larger than 1 MiB")
        return dict(message)

    return receive
