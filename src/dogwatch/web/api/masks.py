"""Secrets are written, never read back: `***` stands for them, and sent back it keeps them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dogwatch.core.problems import invalid

MASK = "***"
_SECRET_NAME = re.compile(r"auth|cookie|api-?key|token|secret|password", re.IGNORECASE)

Pair = tuple[str, str]


def masked_action(action: Mapping[str, Any]) -> dict[str, Any]:
    """Return an action without the values of secret headers and of the environment."""
    shown = dict(action)
    if "headers" in action:
        shown["headers"] = [
            [name, MASK if _SECRET_NAME.search(name) else value]
            for name, value in action["headers"]
        ]
    if "env" in action:
        shown["env"] = dict.fromkeys(action["env"], MASK)
    return shown


def unmasked_action(action: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return an action with each `***` replaced by the stored value, or raise a Problem."""
    full = dict(action)
    if "headers" in action:
        full["headers"] = list(_headers(_pairs(action["headers"]), stored.get("headers", ())))
    if "env" in action:
        kept = stored.get("env", {})
        full["env"] = {
            name: _known(f"action.env.{name}", kept.get(name)) if value == MASK else value
            for name, value in action["env"].items()
        }
    return full


def _headers(given: Sequence[Pair], stored: Sequence[Pair]) -> Iterator[list[str]]:
    """Yield the headers; several of one name take the stored ones of that name in turn."""
    left = [(name.lower(), value) for name, value in stored]
    for name, value in given:
        kept = next((one for one in left if one[0] == name.lower()), None)
        if kept:
            left.remove(kept)
        masked = value == MASK and _SECRET_NAME.search(name)
        yield [name, _known(f"action.headers.{name}", kept and kept[1]) if masked else value]


def _pairs(headers: Any) -> list[Pair]:
    return list(headers.items() if isinstance(headers, Mapping) else map(tuple, headers))


def _known(field: str, value: str | None) -> str:
    if value is None:
        raise invalid(field, f"{MASK} keeps a stored value, but none is stored; give the value")
    return value


def masked(value: Any) -> Any:
    """Return a secret setting masked; a list keeps its length."""
    return [MASK] * len(value) if isinstance(value, list) else MASK


def unmasked(field: str, value: Any, stored: Any) -> Any:
    """Return a setting with each `***` replaced by the stored one."""
    if value == MASK:
        return _known(field, stored)
    if not isinstance(value, list):
        return value
    kept = stored if isinstance(stored, list) else []
    return [
        _known(f"{field}.{n}", kept[n] if n < len(kept) else None) if one == MASK else one
        for n, one in enumerate(value)
    ]
