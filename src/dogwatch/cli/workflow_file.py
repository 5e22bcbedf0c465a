"""Workflows as YAML: words mean what JSON makes of them, so that `on` is a word and no time is
guessed."""

import re
from pathlib import Path
from typing import Any

import yaml

from dogwatch.core.problems import Problem, invalid

# The core schema of YAML 1.2; PyYAML's own resolvers are those of 1.1, where `on` is true.
_PLAIN = (
    ("bool", re.compile(r"^(?:true|false)$"), "tf"),
    ("null", re.compile(r"^(?:null|~|)$"), ["n", "~", ""]),
    ("int", re.compile(r"^-?(?:0|[1-9][0-9]*)$"), "-0123456789"),
    ("float", re.compile(r"^-?[0-9]+\.[0-9]+(?:[eE][-+]?[0-9]+)?$"), "-0123456789"),
)


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


def loaded(path: str) -> Any:
    """Return what a file holds; a Problem says where it is no YAML."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise invalid("FILE", f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise invalid("FILE", f"{path} is no UTF-8") from None
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506  (a SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        told = " ".join(str(error).split())
        raise Problem("invalid", f"{path} is no YAML: {told}", {"FILE": told}) from None
