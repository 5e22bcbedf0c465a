"""Variables: what their keys and values may be, and which of them a script names.

Sizes and reserved beginnings are those that Cronium documents; lower case and `.` and `-` are
taken, too, as its first release took them.
"""

import json
import re
from math import isfinite
from typing import Any

from dogwatch.core.problems import refuse

KEY_LENGTH = 100
VALUE_LENGTH = 10_000
DESCRIPTION_LENGTH = 500
PER_WORKSPACE = 10_000
# What a run is given and what it hands on, as JSON text.
DATA_BYTES = 1_000_000
RESERVED = ("CRONIUM_", "DOGWATCH_", "HOME", "NODE_", "PATH", "SYSTEM_")
KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_HALF = re.compile("[\ud800-\udfff]")
_NAMED = re.compile(r"[gs]et_?[vV]ariable\b[\s(]*[\"']?([A-Za-z_][A-Za-z0-9_.-]{0,99})")
_NAMES = 200


def key_fault(key: str) -> str | None:
    """Say why no variable can have this key."""
    if not KEY.fullmatch(key) or len(key) > KEY_LENGTH or key == "__updated__":
        return f"use 1 to {KEY_LENGTH} letters, digits, _, . and -, a letter or _ first"
    if key.upper().startswith(RESERVED):
        return f"is reserved: keys don't begin with {', '.join(RESERVED)}"
    return None


def value_fault(value: str) -> str | None:
    """Say why no variable can have this value."""
    if len(value) > VALUE_LENGTH:
        return f"at most {VALUE_LENGTH} characters"
    return _text_fault(value)


def description_fault(description: str) -> str | None:
    """Say why no variable can have this description."""
    if len(description) > DESCRIPTION_LENGTH:
        return f"at most {DESCRIPTION_LENGTH} characters"
    return _text_fault(description)


def _text_fault(text: str) -> str | None:
    if "\0" in text:
        return "holds a NUL character"
    return "holds half a character (a lone surrogate)" if _HALF.search(text) else None


def check(key: str, value: str, description: str = "") -> None:
    """Raise a Problem of all that is wrong."""
    faults = {
        "key": key_fault(key),
        "value": value_fault(value),
        "description": description_fault(description),
    }
    wrong = {field: fault for field, fault in faults.items() if fault}
    refuse(wrong)


def text_of(value: Any) -> str:
    """Return a value as it is stored: text as it is, all else as JSON text."""
    return value if isinstance(value, str) else json_text(value)


def json_text(value: Any) -> str:
    """Return compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def data_of(text: str) -> str:
    """Return what a run is given or hands on as JSON text: what is no JSON is a string."""
    try:
        json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        return json_text(text)
    return text


def _finite(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError(f"{text} is too great a number")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def data_fault(text: str) -> str | None:
    """Say why a run can be given, or hand on, no such JSON text."""
    if len(text.encode(errors="replace")) > DATA_BYTES:
        return f"at most {DATA_BYTES} bytes of JSON"
    return _text_fault(text)


def named_in(source: str) -> frozenset[str]:
    """Return the keys that a script names in calls of the helpers, as far as they stand there."""
    found = dict.fromkeys(key for key in _NAMED.findall(source) if not key_fault(key))
    return frozenset(list(found)[:_NAMES])
