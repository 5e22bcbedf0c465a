"""What was said of a thing: its fields that are not as usual, as JSON has them."""

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from datetime import datetime
from typing import Any

Told = dict[str, Any]


def said(owner: object, usual: object, names: Iterable[str]) -> Told:
    """Return those fields of `owner` that differ from those of `usual`."""
    return {
        name: plain(value)
        for name in names
        if (value := getattr(owner, name)) != getattr(usual, name)
    }


def needed(owner: Any) -> list[str]:
    """Return the names of those fields that must be said."""
    return [
        one.name
        for one in fields(owner)
        if one.default is MISSING and one.default_factory is MISSING
    ]


def without(told: Mapping[str, Any], usual: Mapping[str, Any]) -> Told:
    """Return what is told and is not as usual."""
    return {name: value for name, value in told.items() if usual.get(name) != value}


def plain(value: Any) -> Any:
    """Return a value as JSON has it: times in ISO 8601, lists, plain text."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, tuple):
        return [plain(one) for one in value]
    return str(value) if isinstance(value, str) else value
