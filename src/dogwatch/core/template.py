"""Templates of messages: text with names in double braces, filled in once.

No logic, and a fixed dictionary: `event`, `run`, `input`, `output`, `condition` and `variables`,
also under the names that Cronium gives them. What is filled in is never looked at again.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dogwatch.core.plain import span

MAX_TEMPLATE = 10_000
MAX_TEXT = 16_000
MAX_VALUE = 4_000
_CUT = "…"
_TAG = re.compile(
    r"(?:(?P<form>json|formatDuration|formatTime|get)\s+)?"
    r"(?P<name>[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*)"
)
_LONGEST_TAG = 200
_OF_EVENT = frozenset(
    {
        "id", "name", "slug", "status", "duration", "executionTime", "server", "output", "error",
        "reason", "startedAt", "finishedAt", "attempt", "exitCode",
    }
)  # fmt: skip
_OF_RUN = frozenset({"id", "trigger"})
# Whole values of which parts may be named, as far as they are objects.
_DEEP = frozenset({"input", "output"})
_ALIASES = {"cronium.getVariables": "variables", "cronium.getCondition": "condition"}

Part = str | tuple[str, str]


def render(template: str, values: Mapping[str, Any]) -> str:
    """Return the text; what has no value is empty, what is too long is cut."""
    return join(_parts(template[:MAX_TEMPLATE]), values)


def fill(template: str, values: Mapping[str, Any]) -> list[Part]:
    """Fill in all but variables, which `join` adds: their values need not be kept meanwhile."""
    made: list[Part] = []
    room = MAX_TEXT
    for part in _filled(_parts(template[:MAX_TEMPLATE]), values, variables=False):
        kept = part[:room] if isinstance(part, str) else part
        made.append(kept)
        room -= len(kept) if isinstance(kept, str) else 0
    return made


def join(parts: Iterable[Part], values: Mapping[str, Any]) -> str:
    """Return the text of parts; what is filled in is not looked at again."""
    made: list[str] = []
    room = MAX_TEXT
    for text in _filled(parts, values, variables=True):
        if len(text) > room:
            return "".join([*made, str(text)])[: MAX_TEXT - 1] + _CUT
        made.append(str(text))
        room -= len(text)
    return "".join(made)


def _filled(parts: Iterable[Part], values: Mapping[str, Any], *, variables: bool) -> Iterator[Part]:
    """Yield parts in words; variables only if asked to."""
    shown: dict[Part, str] = {}  # a large value is put into words once
    for part in parts:
        if isinstance(part, str) or (not variables and part[1].startswith("variables.")):
            yield part
            continue
        if part not in shown:
            shown[part] = _shown(*part, values)
        yield shown[part]


def fault(template: str) -> str | None:
    """Say what is wrong with a template: too long, or a name that there is not."""
    if len(template) > MAX_TEMPLATE:
        return f"at most {MAX_TEMPLATE} characters"
    for part in _parts(template):
        if not isinstance(part, str) and not _known(part[1]):
            return f"there is no {part[1][:80]!r}; use event, run, input, output, variables.KEY"
    return None


def variables_in(template: str) -> frozenset[str]:
    """Return the keys of the variables that a template names."""
    names = (part[1] for part in _parts(template[:MAX_TEMPLATE]) if not isinstance(part, str))
    parted = (name.partition(".") for name in names)
    return frozenset(key for first, _, key in parted if first == "variables")


def _parts(template: str) -> Iterator[Part]:
    """Yield plain text, and (form, name) for what stands in braces; each letter is read once."""
    at = 0
    while (end := template.find("}}", at)) >= 0:
        begin = template.rfind("{{", at, end)
        end += 2
        if begin >= 0:
            triple = template.startswith("}", end) and begin > at and template[begin - 1] == "{"
            begin, end = begin - triple, end + triple
            yield template[at:begin]
            yield _tag(template[begin:end])
        else:
            yield template[at:end]
        at = end
    yield template[at:]


def _tag(text: str) -> Part:
    """Return what a pair of braces stands for; itself where that is no name."""
    inner = text.strip("{}").strip()
    if len(inner) > _LONGEST_TAG or not (found := _TAG.fullmatch(inner)):
        return text
    return found["form"] or "", _plain(found["name"])


def _plain(name: str) -> str:
    """Return a name as we spell it."""
    for theirs, ours in _ALIASES.items():
        if name == theirs or name.startswith(f"{theirs}."):
            return ours + name.removeprefix(theirs)
    return name.removeprefix("cronium.")


def _known(name: str) -> bool:
    first, _, rest = name.partition(".")
    if first == "event":
        return rest in _OF_EVENT
    if first == "run":
        return rest in _OF_RUN
    return first in _DEEP or (first == "variables" and bool(rest)) or name == "condition"


_LONGEST_MS = 1e15  # not so: what JSON reads as infinite, or not a number


def _shown(form: str, name: str, values: Mapping[str, Any]) -> str:
    value = _value(name, values)
    if form == "formatDuration" and isinstance(value, int | float) and abs(value) < _LONGEST_MS:
        return span(value / 1000)
    text = json.dumps(value, ensure_ascii=False) if form == "json" else _text(value)
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 1] + _CUT


def _value(name: str, values: Mapping[str, Any]) -> Any:
    first, _, rest = name.partition(".")
    value = values.get(first)
    if first == "variables":  # a key may hold dots itself
        return value.get(rest) if isinstance(value, Mapping) else None
    for step in rest.split(".") if rest else ():
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
