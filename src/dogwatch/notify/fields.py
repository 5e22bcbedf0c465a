"""The settings of a channel as data: what judges them also makes forms, options and documents."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from dogwatch.core.problems import refuse

LONGEST_URL = 2048
Fault = Callable[[object], str | None]


@dataclass(frozen=True, slots=True)
class Settings:
    """A channel's settings, split in what may be shown and what must be sealed."""

    public: dict[str, object] = field(default_factory=dict)
    secret: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Field:
    """One setting. `help` says what to paste from where; `fault` what is wrong with a value.

    `secret` ones are sealed and never shown. An `address` is where secrets are sent to: a secret
    given for one origin is never kept for another, unless it only `signs` and stays here. What
    has no `default` must be given, unless `optional`.
    """

    name: str
    help: str
    fault: Fault
    example: object
    secret: bool = False
    optional: bool = False
    default: object = None
    choices: tuple[str, ...] = ()
    many: bool = False
    address: bool = False
    signs: bool = False

    @property
    def needed(self) -> bool:
        """Whether a user has to give it."""
        return not self.optional and self.default is None


def judged(fields: Sequence[Field], settings: Mapping[str, object]) -> Settings:
    """Return a user's settings split and completed, or raise a Problem of all bad fields."""
    split, wrong = faults(fields, settings)
    refuse(wrong)
    return split


def faults(
    fields: Sequence[Field], settings: Mapping[str, object]
) -> tuple[Settings, dict[str, str]]:
    """Return a user's settings split and completed, and what is wrong with each bad field."""
    wrong: dict[str, str] = {}
    refuse_unknown(settings, frozenset(one.name for one in fields), wrong)
    public: dict[str, object] = {}
    secret: dict[str, object] = {}
    for one in fields:
        value = settings.get(one.name, one.default)
        if value is None and one.optional:
            continue
        if fault := one.fault(value):
            wrong[one.name] = fault
        (secret if one.secret else public)[one.name] = value
    return Settings(public, secret), wrong


def refuse_unknown(
    settings: Mapping[str, object], known: frozenset[str], wrong: dict[str, str]
) -> None:
    """Add each setting that the channel doesn't know to `wrong`."""
    for name in sorted(settings.keys() - known):
        wrong[name] = f"unknown setting; known are: {', '.join(sorted(known))}"


def region(hosts: Mapping[str, str]) -> Field:
    """Return the field of a service that is at another address in each region; first the usual."""
    usual, *_ = hosts
    told = "Where the account is."
    return Field("region", told, one_of(*hosts), usual, default=usual, choices=tuple(hosts))


def region_host(hosts: Mapping[str, str], settings: Mapping[str, Any]) -> str:
    """Return the address of the service in the region of an account."""
    usual, *_ = hosts
    return hosts[settings.get("region") or usual]


# --- what can be wrong ------------------------------------------------------------------------


def matching(pattern: str, told: str) -> Fault:
    """Return a judge of texts that must match the whole pattern; `told` says how they look."""
    compiled = re.compile(pattern, re.ASCII)

    def fault(value: object) -> str | None:
        good = isinstance(value, str) and compiled.fullmatch(value)
        return None if good else told

    return fault


def one_of(*choices: str) -> Fault:
    """Return a judge of texts that must be one of these."""
    return lambda value: None if value in choices else f"use one of: {', '.join(choices)}"


def address(value: object) -> str | None:
    """Judge an http(s) address; who it leads to is judged by egress when it is used."""
    if not isinstance(value, str) or not value:
        return "give the address that messages are posted to"
    if len(value) > LONGEST_URL:
        return f"at most {LONGEST_URL} characters"
    if not value.isascii() or not value.isprintable() or " " in value:
        return "write it in ASCII without spaces"
    return _parts_fault(value)


def _parts_fault(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        well_formed = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return "not an address"
    if parts.scheme not in ("http", "https") or not well_formed:
        return "must start with https:// or http:// and name a host"
    if "%" in parts.netloc:
        return "the host must not hold a % (an IPv6 zone reaches this machine's own links alone)"
    return "must not hold a user name or password" if "@" in parts.netloc else None


def server(value: object) -> str | None:
    """Judge the address of a server that people may host themselves: no query, no fragment."""
    if fault := address(value):
        return fault
    return "leave out what follows ? or #" if set("?#") & set(str(value)) else None


def webhook_of(hosts: Sequence[str], path: str, told: str) -> Fault:
    """Return a judge of secret addresses of one service: https, its hosts (".x" ends one)."""
    compiled = re.compile(path, re.ASCII)

    def fault(value: object) -> str | None:
        if wrong := address(value):
            return wrong
        parts = urlsplit(str(value))
        host = parts.hostname or ""
        known = any(host.endswith(one) if one[0] == "." else host == one for one in hosts)
        good = parts.scheme == "https" and known and compiled.match(parts.path)
        return None if good else told

    return fault
