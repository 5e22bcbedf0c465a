"""One value of a JSON document, named by a singular query of RFC 9535 (section 2.3.5.1).

`$`, `.name`, `['name']`, `[0]` and `[-1]`: what can name one value at most, in linear time.
"""

import json
import re
from functools import lru_cache
from typing import Any, Final

MAX_STEPS = 32
MISSING: Final = object()

Step = str | int

_STEP = re.compile(
    r"""\.([A-Za-z_\u0080-\uffff][\w\u0080-\uffff-]*)   # .name
    | \[\s*'((?:[^'\\]|\\['\\])*)'\s*\]                # ['name']
    | \[\s*"((?:[^"\\]|\\["\\])*)"\s*\]                # ["name"]
    | \[\s*(-?(?:0|[1-9][0-9]{0,8}))\s*\]              # [index]
    """,
    re.VERBOSE,
)
_ESCAPED = re.compile(r"\\(.)")


@lru_cache(maxsize=4096)
def parse(path: str) -> tuple[Step, ...] | None:
    """Return the steps of a path, or None where it is none."""
    if not path.startswith("$"):
        return None
    steps: list[Step] = []
    at = 1
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None or len(steps) >= MAX_STEPS:
            return None
        dotted, single, double, index = found.groups()
        name = next((one for one in (dotted, single, double) if one is not None), "")
        steps.append(int(index) if index is not None else _ESCAPED.sub(r"\1", name))
        at = found.end()
    return tuple(steps)


def load(text: str) -> Any:
    """Return the document; ValueError where it is none, or nested beyond sense."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def find(document: Any, steps: tuple[Step, ...]) -> Any:
    """Return the value that the steps lead to, or `MISSING`."""
    value = document
    for step in steps:
        value = _child(value, step)
        if value is MISSING:
            break
    return value


def _child(value: Any, step: Step) -> Any:
    if isinstance(step, str):
        return value.get(step, MISSING) if isinstance(value, dict) else MISSING
    if isinstance(value, list) and -len(value) <= step < len(value):
        return value[step]
    return MISSING
