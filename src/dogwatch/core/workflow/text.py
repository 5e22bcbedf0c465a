"""Workflows as YAML: words mean what JSON makes of them, so that `on` is a word and no time is
guessed."""

import re
from typing import Any

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


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML ships no types
    """Reads what JSON can hold."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (PyYAML's own way to replace them)


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]  # PyYAML ships no types
    """Writes what `_Loader` reads, each value where it stands."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (PyYAML's own way to replace them)

    def ignore_aliases(self, data: Any) -> bool:
        """Write nothing by reference."""
        return True


for _tag, _pattern, _first in _PLAIN:
    for _kind in (_Loader, _Dumper):
        _kind.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", _pattern, list(_first))


def written(definition: dict[str, Any]) -> str:
    """Return a definition as YAML."""
    return str(
        yaml.dump(definition, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    )


def loaded(text: str, field: str = "text") -> Any:
    """Return what YAML holds; a Problem of `field` says in which line and column it is none."""
    if len(text) > MAX_LENGTH:
        raise invalid(field, f"is too long: at most {MAX_LENGTH} characters")
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506  (a SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise invalid(field, f"is no YAML: {_where(error)}") from None


def _where(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    told = getattr(error, "problem", None) or " ".join(str(error).split())
    return f"line {mark.line + 1}, column {mark.column + 1}: {told}" if mark else str(told)


def line_of(text: str, place: str) -> int | None:
    """Return the line of a field such as `edges.2.target`, or of what should have had it."""
    try:
        node = yaml.compose(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError):
        return None
    for part in place.split("."):
        inner = _within(node, part)
        if inner is None:
            break
        node = inner
    return node.start_mark.line + 1 if node else None


def _within(node: Any, part: str) -> Any:
    """Return the node of a field or an element, None where there is none."""
    if isinstance(node, yaml.SequenceNode) and part.isdigit() and int(part) < len(node.value):
        return node.value[int(part)]
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == part), None)
    return None
