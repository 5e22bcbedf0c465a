"""What a file leaves unfilled: `${NAME}` where a secret stands, which nobody means as its value."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from dogwatch.core.http_action import HARMLESS
from dogwatch.core.manifest.said import Told
from dogwatch.core.masking import secrets_in
from dogwatch.notify import CHANNELS

_UNFILLED = re.compile(r"\s*\$\{([A-Za-z_][A-Za-z0-9_]*)\}\s*")

# A place such as `action.headers.Authorization`, and what stands there.
_Secret = tuple[str, object]


def unfilled(section: str, told: Told) -> dict[str, list[str]]:
    """Return the names that a thing, whatever its shape, leaves to be filled in, by their place."""
    found: dict[str, list[str]] = {}
    for place, value in _SECRETS.get(section, _none)(told):
        if isinstance(value, str) and (name := _UNFILLED.fullmatch(value)):
            found.setdefault(place, []).append(name[1])
    return found


def faults(found: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the faults of a file by their places; the first tells how to fill in all names.

    Named to envsubst, they are all that it fills in: not the `$X` of a script.
    """
    every = dict.fromkeys(name for names in found.values() for name in names)
    how = f", by hand or by envsubst '{' '.join(f'${name}' for name in every)}'"
    told = {}
    for place, names in found.items():
        told[place] = f"fill in {' and '.join(f'${{{name}}}' for name in names)} first{how}"
        how = ""
    return told


def _none(_: Told) -> Iterator[_Secret]:
    return iter(())


def _of_variable(told: Told) -> Iterator[_Secret]:
    yield "value", told.get("value")


def _of_channel(told: Told) -> Iterator[_Secret]:
    kind, settings = told.get("kind"), _object(told.get("settings"))
    for field in CHANNELS[kind].fields if isinstance(kind, str) and kind in CHANNELS else ():
        value, place = settings.get(field.name), f"settings.{field.name}"
        if field.secret:
            yield from _leaves(place, value)
        elif isinstance(value, str) and field.name == "url":
            yield from ((place, one) for one in secrets_in(value))


def _of_action(name: str, told: Told) -> Iterator[_Secret]:
    action = _object(told.get(name))
    for field in ("env", "client_key", "body"):
        yield from _leaves(f"{name}.{field}", action.get(field))
    yield from _of_headers(f"{name}.headers", action.get("headers"))
    if isinstance(url := action.get("url"), str):
        yield from ((f"{name}.url", one) for one in secrets_in(url))


def _of_headers(place: str, headers: object) -> Iterator[_Secret]:
    """Yield headers, which are an object or a list of pairs."""
    pairs: list[Any] = headers if isinstance(headers, list) else []
    some: list[Any] = [(n, *one) for n, one in enumerate(pairs) if isinstance(one, list)]
    some += [(header, header, value) for header, value in _object(headers).items()]
    for own, *pair in some:
        if len(pair) == 2 and str(pair[0]).lower() not in HARMLESS:
            yield f"{place}.{own}", pair[1]


def _leaves(place: str, value: object) -> Iterator[_Secret]:
    """Yield a value, or those that an object or a list holds."""
    inner = enumerate(value) if isinstance(value, list) else _object(value).items()
    yield place, value
    yield from ((f"{place}.{own}", one) for own, one in inner)


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


_SECRETS: Mapping[str, Callable[[Told], Iterator[_Secret]]] = {
    "variables": _of_variable,
    "channels": _of_channel,
    "jobs": lambda told: _of_action("action", told),
    "probes": lambda told: _of_action("target", told),
}
