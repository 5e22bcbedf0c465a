"""Secrets are written, never read back: `***` stands for them, and sent back it keeps them.

A mask keeps its secret for the origin it was given for (RFC 6454: scheme, host and port): whoever
may change a job must not learn its secrets by sending them elsewhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from dogwatch.core.http_action import HARMLESS
from dogwatch.core.masking import holds_secrets, is_secret_name, joined, masked_url, query
from dogwatch.core.problems import refuse

MASK = "***"
_NONE_STORED = f"{MASK} keeps a value stored for this origin, but none is; give the value"
_PORTS = {"http": 80, "https": 443}

Pair = tuple[str, str]


def masked_action(action: Mapping[str, Any]) -> dict[str, Any]:
    """Return an action without what may be secret: headers, query, body, environment."""
    shown = dict(action)
    if "headers" in action:
        shown["headers"] = [
            [name, value if name.lower() in HARMLESS else MASK] for name, value in action["headers"]
        ]
    if "url" in action:
        shown["url"] = masked_url(action["url"])
    if holds_secrets(action.get("body", "")):
        shown["body"] = MASK
    if action.get("client_key"):
        shown["client_key"] = MASK
    if "env" in action:
        shown["env"] = dict.fromkeys(action["env"], MASK)
    return shown


def unmasked_action(action: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return an action with each `***` replaced by the stored value; a Problem names all that
    have none."""
    full, kept = dict(action), Kept()
    if "url" in action:
        if not same_origin(action["url"], stored.get("url", "")):
            stored = {}
        full["url"] = _unmasked_url(kept, "action.url", action["url"], stored.get("url", ""))
    if "headers" in action:
        full["headers"] = list(_headers(kept, _pairs(action["headers"]), stored.get("headers", ())))
    if action.get("body") == MASK:
        full["body"] = kept.known("action.body", stored.get("body"))
    if action.get("client_key") == MASK:
        full["client_key"] = kept.known("action.client_key", stored.get("client_key"))
    if "env" in action:
        values = stored.get("env", {})
        full["env"] = {
            name: kept.known(f"action.env.{name}", values.get(name)) if value == MASK else value
            for name, value in action["env"].items()
        }
    kept.refuse()
    return full


class Kept:
    """Stored values that masks stand for, and where a mask stands for none."""

    def __init__(self) -> None:
        self._missing: dict[str, str] = {}

    def known(self, field: str, value: str | None) -> str:
        """Return the value that a field keeps, noted if there is none."""
        if value is None:
            self._missing[field] = _NONE_STORED
        return value or ""

    def refuse(self) -> None:
        """Raise a Problem of all fields that keep nothing."""
        refuse(self._missing)


def same_origin(one: str, other: str) -> bool:
    """Tell whether two addresses have scheme, host and port in common."""
    return _origin(one) == _origin(other)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    """Return scheme, host and port; what is no address is of an origin of its own."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return url, None, None


def _headers(kept: Kept, given: Sequence[Pair], stored: Sequence[Pair]) -> Iterator[list[str]]:
    """Yield the headers; several of one name take the stored ones of that name in turn."""
    left = _InTurn((name.lower(), value) for name, value in stored)
    for name, value in given:
        before = left.take(name.lower())
        masked = value == MASK and name.lower() not in HARMLESS
        yield [name, kept.known(f"action.headers.{name}", before) if masked else value]


class _InTurn:
    """Stored values by name; each is taken once."""

    def __init__(self, pairs: Iterator[Pair]) -> None:
        self._left: dict[str, list[str]] = {}
        for name, value in pairs:
            self._left.setdefault(name, []).append(value)

    def take(self, name: str) -> str | None:
        """Return the next value of a name."""
        values = self._left.get(name)
        return values.pop(0) if values else None


def _pairs(headers: Any) -> list[Pair]:
    return list(headers.items() if isinstance(headers, Mapping) else map(tuple, headers))


def _unmasked_url(kept: Kept, field: str, url: str, stored: str) -> str:
    """Return an address with each `***` of its query replaced by the stored value."""
    head, parts, tail = query(url)
    left = _InTurn(iter(query(stored)[1]))
    full = []
    for name, value in parts:
        before = left.take(name)
        masked = value == MASK and is_secret_name(name)
        full.append((name, kept.known(field, before) if masked else value))
    return joined(head, full, tail)


def masked_settings(every: Mapping[str, Any], public: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a channel; only the `public` ones are shown, addresses masked."""
    return {
        name: _shown(name, value) if name in public else _masked(value)
        for name, value in every.items()
    }


def _shown(name: str, value: Any) -> Any:
    return masked_url(value) if name == "url" else value


def _masked(value: Any) -> Any:
    """Return a secret setting masked; a list keeps its length."""
    return [MASK] * len(value) if isinstance(value, list) else MASK


def unmasked_settings(
    sent: Mapping[str, Any], stored: Mapping[str, Any], addresses: Sequence[str]
) -> dict[str, Any]:
    """Return the settings that were sent with each `***` replaced by the stored value.

    `addresses` are the settings that say where the others are sent to.
    """
    values, kept = {} if moved(sent, stored, addresses) else stored, Kept()
    full = {
        name: _unmasked(kept, f"settings.{name}", name, value, values.get(name))
        for name, value in sent.items()
    }
    kept.refuse()
    return full


def moved(sent: Mapping[str, Any], stored: Mapping[str, Any], addresses: Sequence[str]) -> bool:
    """Tell whether settings lead to another origin than the stored ones."""
    given = {name: sent[name] for name in addresses if sent.get(name, MASK) != MASK}
    return any(
        isinstance(url, str) and not _same_origin_as(stored.get(name), url)
        for name, url in given.items()
    )


def _same_origin_as(stored: Any, url: str) -> bool:
    try:
        return same_origin(url, stored or "")
    except ValueError:  # no address; whoever judges the settings says so
        return False


def _unmasked(kept: Kept, field: str, name: str, value: Any, stored: Any) -> Any:
    if value == MASK:
        return kept.known(field, stored)
    if name == "url" and isinstance(value, str):
        return _unmasked_url(kept, field, value, stored or "")
    if not isinstance(value, list):
        return value
    before = stored if isinstance(stored, list) else []
    return [
        kept.known(f"{field}.{n}", before[n] if n < len(before) else None) if one == MASK else one
        for n, one in enumerate(value)
    ]
