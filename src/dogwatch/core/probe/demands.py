"""What a target demands of its answer, in words for people; targets are as JSON holds them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dogwatch.core.plain import counted
from dogwatch.core.probe.assertions import shown

Values = Mapping[str, Any]


def said(target: Values) -> list[str]:
    """Return what is demanded, a sentence without its full stop for each."""
    own = _OF_TARGET.get(str(target.get("kind", "")))
    return [*map(_of_one, target.get("assertions", ())), *(own(target) if own else ())]


def _of_one(demand: Values) -> str:
    words = _OF_KIND[str(demand["kind"])](demand)
    return f"{words}; degraded if not" if demand.get("degrades") else words


def _json(demand: Values) -> str:
    return f"JSON {demand['path']} {_compared(demand)}"


def _header(demand: Values) -> str:
    return f"the header {demand['name']} {_compared(demand)}"


def _compared(demand: Values) -> str:
    compare = demand.get("is", "exists")
    if compare in ("exists", "missing"):
        return {"exists": "exists", "missing": "is missing"}[compare]
    return f"{_VERBS[compare]} {shown(demand.get('value'))}"


_VERBS = {
    "equals": "is",
    "not_equals": "is not",
    "less": "is less than",
    "at_most": "is at most",
    "more": "is more than",
    "at_least": "is at least",
    "contains": "contains",
}
_OF_KIND: Mapping[str, Callable[[Values], str]] = {
    "body_contains": lambda one: f"the body contains {shown(one['text'])}",
    "body_lacks": lambda one: f"the body does not contain {shown(one['text'])}",
    "body_matches": lambda one: f"the body matches {shown(one['pattern'])}",
    "json": _json,
    "header": _header,
    "certificate_days": lambda one: (
        f"the certificate is good for at least {counted(one['least'], 'day')} more"
    ),
}


def _http(target: Values) -> Iterator[str]:
    if not target.get("verify_tls", True):
        yield "the certificate need not be trusted"


def _tls(target: Values) -> Iterator[str]:
    if target.get("server_name"):
        yield f"the certificate is for {target['server_name']}"
    if not target.get("verify", True):
        yield "the certificate need not be trusted"


def _dns(target: Values) -> Iterator[str]:
    if target.get("expected"):
        yield {
            "all": "all of these records are there",
            "exact": "these records are there, and no others",
            "any": "one of these records is there",
        }[target.get("match", "all")]


_OF_TARGET: Mapping[str, Callable[[Values], Iterator[str]]] = {
    "http": _http,
    "tls": _tls,
    "dns": _dns,
}
