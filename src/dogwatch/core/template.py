"""Templates of messages: text with names in double braces, filled in once.

A fixed dictionary: `event`, `run`, `input`, `output`, `condition` and `variables`, also under the
names that Cronium gives them, and one block, `{{#ifEquals A B}}…{{else}}…{{/ifEquals}}`. What is
filled in is never looked at again.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dogwatch.core.plain import took

MAX_TEMPLATE = 10_000
MAX_TEXT = 16_000
MAX_VALUE = 4_000
_CUT = "…"
_NAME = r"[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*"
_TAG = re.compile(
    rf"(?:(?P<form>json|formatDuration|formatTime|get)\s+)?(?P<name>{_NAME})",
)
IF, ELSE, END = "#ifEquals", "else", "/ifEquals"
_OPERAND = re.compile(
    rf"""(?P<text>"[^"]*"|'[^']*')|(?P<word>(?:-?\d+(?:\.\d+)?|true|false|null)(?=\s|$))"""
    rf"""|(?P<name>{_NAME})"""
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


def fill(template: str, values: Mapping[str, Any]) -> list[Part]:
    """Fill in all but variables, which `join` adds: their values need not be kept meanwhile.

    What has no value is empty; of what is too long, as much is kept as tells `join` so.
    """
    made: list[Part] = []
    room = MAX_TEXT + 1
    for part in _filled(_parts(template[:MAX_TEMPLATE]), values, variables=False):
        kept = part[:room] if isinstance(part, str) else part
        made.append(kept)
        room -= len(kept) if isinstance(kept, str) else 0
    return made


def join(parts: Iterable[Part], values: Mapping[str, Any]) -> str:
    """Return the text of parts, cut if it is too long; what is filled in is not looked at again."""
    made: list[str] = []
    room = MAX_TEXT
    for text in _filled(parts, values, variables=True):
        if len(text) > room:
            return "".join([*made, str(text)])[: MAX_TEXT - 1] + _CUT
        made.append(str(text))
        room -= len(text)
    return "".join(made)


@dataclass(frozen=True, slots=True)
class _Words:
    """Values in words, each put into them once."""

    values: Mapping[str, Any]
    shown: dict[tuple[str, str], str] = field(default_factory=dict)

    def of(self, form: str, name: str) -> str:
        """Return the words for a tag."""
        if (form, name) not in self.shown:
            self.shown[form, name] = _shown(form, name, self.values)
        return self.shown[form, name]

    def same(self, operands: str) -> bool:
        """Whether two operands are the same as text."""
        one, other = (
            self.of("", found["name"]) if found["name"] else _literal(found)
            for found in _OPERAND.finditer(operands)
        )
        return one == other


def _literal(found: re.Match[str]) -> str:
    if found["text"]:
        return found["text"][1:-1]
    return "" if found["word"] == "null" else str(found["word"])


def _filled(parts: Iterable[Part], values: Mapping[str, Any], *, variables: bool) -> Iterator[Part]:
    """Yield parts in words; variables, and what they decide, only if asked to."""
    words = _Words(values)
    for part in _taken(parts, words, variables=variables):
        waits = not variables and not isinstance(part, str) and keys_in(part)
        plain = isinstance(part, str) or part[0] in (IF, ELSE, END) or waits
        yield part if plain else words.of(*part)


def _taken(parts: Iterable[Part], words: _Words, *, variables: bool) -> Iterator[Part]:
    """Yield the parts of the branches that are taken; a block that waits for variables stays."""
    open_: list[bool | None] = []  # whether the branch is taken; None: only variables tell
    for part in parts:
        form = "" if isinstance(part, str) else part[0]
        stays = True
        if form == IF:
            known = variables or not keys_in(part)
            open_.append(words.same(part[1]) if known else None)
            stays = not known
        elif form == ELSE:
            stays = open_[-1] is None
            open_[-1] = None if stays else not open_[-1]
        elif form == END:
            stays = open_.pop() is None
        if stays and False not in open_:
            yield part


def keys_in(part: Part) -> frozenset[str]:
    """Return the keys of the variables that a part names."""
    parted = (name.partition(".") for name in _names(part))
    return frozenset(key for first, _, key in parted if first == "variables")


def _names(part: Part) -> list[str]:
    """Return the names in a part: a tag has one, a block up to two."""
    if isinstance(part, str):
        return []
    if part[0] == IF:
        return [found["name"] for found in _OPERAND.finditer(part[1]) if found["name"]]
    return [part[1]] if part[1] else []


def fault(template: str) -> str | None:
    """Say what is wrong with a template: too long, or a name that there is not."""
    if len(template) > MAX_TEMPLATE:
        return f"at most {MAX_TEMPLATE} characters"
    forms = []
    for part in _parts(template):
        for name in _names(part):
            if not _known(name):
                return f"there is no {name[:80]!r}; use event, run, input, output, variables.KEY"
        forms.append("" if isinstance(part, str) else part[0])
    return None if forms.count(IF) == forms.count(END) else "an ifEquals has no {{/ifEquals}}"


def _parts(template: str) -> Iterator[Part]:
    """Yield plain text and tags; an end, or an else, without a beginning is text."""
    depth = 0
    for part in _tagged(template):
        form = "" if isinstance(part, str) else part[0]
        if form in (ELSE, END) and not depth:
            yield f"{{{{{form}}}}}"
            continue
        depth += (form == IF) - (form == END)
        yield part


def _tagged(template: str) -> Iterator[Part]:
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
    if inner in (ELSE, END):
        return inner, ""
    if len(inner) > _LONGEST_TAG:
        return text
    if inner.startswith(f"{IF} "):
        return _block(inner.removeprefix(IF).strip()) or text
    found = _TAG.fullmatch(inner)
    return (found["form"] or "", _plain(found["name"])) if found else text


def _block(operands: str) -> Part | None:
    """Return the beginning of a block; None unless two operands follow it."""
    found = list(_OPERAND.finditer(operands))
    if len(found) != 2 or _OPERAND.sub("", operands).strip():
        return None
    return IF, " ".join(_plain(one["name"]) if one["name"] else one[0] for one in found)


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
    timed = form == "formatDuration" and type(value) in (int, float)
    if timed and abs(value) < _LONGEST_MS:
        return took(value)
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
