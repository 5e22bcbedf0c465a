"""Workflows as YAML: words mean what JSON makes of them, so that `on` is a word and no time is
guessed."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

import yaml

from dogwatch.core.problems import invalid

# The core schema of YAML 1.2; PyYAML's own resolvers are those of 1.1, where `on` is true.
_PLAIN = (
    ("bool", re.compile(r"^(?:true|false)$"), "tf"),
    ("null", re.compile(r"^(?:null|~|)$"), ["n", "~", ""]),
    ("int", re.compile(r"^-?(?:0|[1-9][0-9]*)$"), "-0123456789"),
    ("float", re.compile(r"^-?[0-9]+\.[0-9]+(?:[eE][-+]?[0-9]+)?$"), "-0123456789"),
)
MAX_LENGTH = 65_536
_TEXT = "tag:yaml.org,2002:str"
_INDEX = re.compile(r"[0-9]{1,9}")
# What else ends a line in YAML, and is not read back as it was.
_BREAKS = re.compile("[\r\x85\u2028\u2029]")


# The events of libyaml come ten times as fast; wheels of PyYAML bring it along.
_Events: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(yaml.composer.Composer, _Events):  # type: ignore[misc]  # PyYAML ships no types
    """Reads what JSON can hold, each value where it stands: aliases could grow without end."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (PyYAML's own way to replace them)

    def __init__(self, text: str) -> None:
        _Events.__init__(self, text)
        yaml.composer.Composer.__init__(self)

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Read a value."""
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise yaml.composer.ComposerError(None, None, "write it out instead of an alias", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        """Read an object: each key is text, and stands once."""
        seen = set[str]()
        for key, _ in node.value:
            if key.tag != _TEXT:
                self._refuse("a key must be text; quote it", key)
            if key.value in seen:
                self._refuse(f"{key.value[:64]!r} stands twice", key)
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def _refuse(self, told: str, node: Any) -> NoReturn:
        raise yaml.constructor.ConstructorError(None, None, told, node.start_mark)


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]  # PyYAML ships no types
    """Writes what `_Loader` reads, each value where it stands."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (PyYAML's own way to replace them)

    def ignore_aliases(self, data: Any) -> bool:
        """Write nothing by reference."""
        return True


def _text(dumper: Any, value: str) -> Any:
    """Write text of several lines as lines, where YAML can; its other breaks are escaped."""
    style = '"' if _BREAKS.search(value) else "|" if "\n" in value else None
    return dumper.represent_scalar(_TEXT, value, style=style)


_Dumper.add_representer(str, _text)
for _tag, _pattern, _first in _PLAIN:
    for _kind in (_Loader, _Dumper):
        _kind.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", _pattern, list(_first))


def written(definition: Mapping[str, Any] | Sequence[Any]) -> str:
    """Return a definition as YAML."""
    return str(
        yaml.dump(definition, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    )


def loaded(text: str, field: str = "text", most: int = MAX_LENGTH) -> Any:
    """Return what YAML holds; a Problem of `field` says in which line and column it is none."""
    if len(text) > most:
        raise invalid(field, f"is too long: at most {most} characters")
    try:
        data = yaml.load(text, Loader=_Loader)  # noqa: S506  (a SafeLoader)
        kept = b"\\u0000" not in json.dumps(data, ensure_ascii=False).encode()
    except yaml.MarkedYAMLError as error:
        raise invalid(field, f"is no YAML: {_where(error, text)}") from None
    except Exception as error:  # its constructors raise whatever their values do
        raise invalid(field, f"is no YAML that can be read: {_unread(error)}") from None
    if not kept:
        raise invalid(field, "holds a NUL")
    return data


def _unread(error: Exception) -> str:
    """Word why a value cannot be made of what YAML says."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, ValueError) and "digits" in str(error):  # more than int() takes
        return "a number is too long"
    return "it holds a value that cannot be read here"


def _where(error: yaml.MarkedYAMLError, text: str) -> str:
    """Return a fault with its line and column; what is missing is so after all that is there."""
    mark = error.problem_mark
    told = error.problem or " ".join(str(error).split())
    if mark is None:
        return str(told)
    line, column, last = mark.line + 1, mark.column + 1, text.rstrip().splitlines() or [""]
    if line > len(last):
        line, column = len(last), len(last[-1]) + 1
    return f"line {line}, column {column}: {told}"


def lines_of(text: str, places: Iterable[str]) -> dict[str, int]:
    """Return the lines of fields such as `edges.2.target`, or of what should have had them."""
    try:
        root = yaml.compose(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError):
        return {}
    return {place: _nearest(root, place).start_mark.line + 1 for place in places} if root else {}


def _nearest(node: Any, place: str) -> Any:
    for part in place.split("."):
        inner = _within(node, part)
        if inner is None:
            break
        node = inner
    return node


def _within(node: Any, part: str) -> Any:
    """Return the node of a field or an element, None where there is none."""
    if isinstance(node, yaml.SequenceNode):
        number = int(part) if _INDEX.fullmatch(part) else len(node.value)
        return node.value[number] if number < len(node.value) else None
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == part), None)
    return None
