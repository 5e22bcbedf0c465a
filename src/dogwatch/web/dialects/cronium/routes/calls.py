"""What the routes of Cronium share."""

import re
from collections.abc import Collection
from contextlib import AbstractContextManager
from typing import Any

from pydantic.alias_generators import to_camel

from dogwatch.core.problems import Problem, renaming
from dogwatch.core.variable import json_text
from dogwatch.usecases.aliases import Named
from dogwatch.usecases.door import Tx
from dogwatch.web.dialect.call import DialectCall
from dogwatch.web.dialect.refusal import Refusal, Refused
from dogwatch.web.dialects.cronium.wire.event import FIELDS

BASE = "/api"
_OF_NODES = {"job": "eventId", "key": "id"}
_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)


def numbered(noun: str, text: str) -> int:
    """Return an id of a path; Refused where it is no number."""
    if not _NUMBER.fullmatch(text):
        told = {"id": f"{noun} ID must be a number"}
        raise Refused(Refusal("invalid", f"invalid {noun} ID", told))
    return int(text)


def found(tx: Tx, call: DialectCall, noun: str, kind: str, text: str, *, lock: bool) -> Named:
    """Return the watch of this kind with this number; Problem("not_found") names it."""
    try:
        named = call.find(tx, numbered(noun, text), lock=lock)
    except Problem:
        named = None
    return _there(named, noun, kind, text)


def all_found(
    tx: Tx, call: DialectCall, noun: str, kind: str, numbers: Collection[int]
) -> list[Named]:
    """Return the watches of this kind with these numbers, or refuse as `found` does."""
    known = call.find_all(tx, [numbered(noun, str(number)) for number in numbers])
    return [_there(known.get(number), noun, kind, str(number)) for number in numbers]


def _there(named: Named | None, noun: str, kind: str, text: str) -> Named:
    if named is None or named[1].kind != kind:
        raise Problem("not_found", f"{noun} with ID {text} not found")
    return named


def given_text(given: Any) -> str:
    """Return an input as the JSON text that a run is handed; none is none."""
    return "" if given is None or given == {} else json_text(given)


def as_theirs() -> AbstractContextManager[None]:
    """Have bad fields told by the names that Cronium has for them."""
    return renaming(_theirs)


def _theirs(name: str) -> str:
    head, dot, rest = name.removeprefix("action.").partition(".")
    if head == "nodes":
        place, inner, own = rest.partition(".")
        rest = place + inner + _OF_NODES.get(own, own)
    return (FIELDS.get(head) or to_camel(head)) + dot + rest
