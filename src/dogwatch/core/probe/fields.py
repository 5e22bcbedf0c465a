"""What is wrong with the fields of a target, all of them at once."""

import math
import re
from collections.abc import Callable, Collection, Mapping
from ipaddress import ip_address
from typing import Any, TypeGuard

from dogwatch.core.problems import Problem, refuse

Check = Callable[[object], str | None]

_HOST = re.compile(r"[A-Za-z0-9_\u00a1-\uffff](?:[A-Za-z0-9_.\-\u00a1-\uffff]{0,252})")


def sound(data: object, checks: Mapping[str, Check], required: Collection[str]) -> dict[str, Any]:
    """Return an object whose fields are all known and good, or raise one Problem of all faults."""
    if not isinstance(data, Mapping):
        raise Problem("invalid", "must be a JSON object")
    wrong = {str(name): "is not a field here" for name in data if name not in checks}
    wrong |= {name: "is required" for name in required if name not in data}
    for name, check in checks.items():
        message = check(data[name]) if name in data else None
        if message:
            wrong[name] = message
    refuse(wrong)
    return dict(data)


def text(least: int, most: int) -> Check:
    """Return the check of a text of so many characters, without NUL and half characters."""

    def check(value: object) -> str | None:
        good = is_text(value) and least <= len(value) <= most
        return None if good else f"must be text of {least} to {most} characters"

    return check


def number(least: float, most: float) -> Check:
    """Return the check of a number."""

    def check(value: object) -> str | None:
        good = is_number(value) and least <= value <= most
        return None if good else f"must be a number from {least:g} to {most:g}"

    return check


def whole(least: int, most: int) -> Check:
    """Return the check of a whole number."""

    def check(value: object) -> str | None:
        good = isinstance(value, int) and is_number(value) and least <= value <= most
        return None if good else f"must be a whole number from {least} to {most}"

    return check


def flag(value: object) -> str | None:
    """Check true or false."""
    return None if isinstance(value, bool) else "must be true or false"


def one_of(*words: str) -> Check:
    """Return the check of one of some words."""
    return lambda value: None if value in words else f"must be one of {', '.join(words)}"


def host(value: object) -> str | None:
    """Check a host name or an IP address, without scheme and port."""
    if isinstance(value, str) and (_HOST.fullmatch(value) or is_address(value)):
        return None
    return "must be a host name or an IP address, without scheme and port"


def is_address(value: str) -> bool:
    """Say whether it is an IP address, without a zone."""
    try:
        ip_address(value)
    except ValueError:
        return False
    return "%" not in value


def is_number(value: object) -> TypeGuard[int | float]:
    """Say whether `value` is a finite number; true and false are none."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def is_text(value: object) -> TypeGuard[str]:
    """Say whether `value` is text that UTF-8 and every database can hold."""
    if not isinstance(value, str) or "\x00" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
