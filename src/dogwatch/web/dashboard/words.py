"""Rules and windows in words."""

from collections.abc import Iterable, Mapping

from dogwatch.core.alerts import Event, Rule, Scope
from dogwatch.core.plain import span

EVENTS: Mapping[Event, str] = {
    Event.DOWN: "went down",
    Event.LATE: "was late",
    Event.DEGRADED: "was degraded",
    Event.SLOW: "was degraded",
    Event.RECOVERED: "recovered",
}


def named_by(scopes: Iterable[Scope]) -> set[str]:
    """Return the ids of the items that are named one by one."""
    return {value for scope in scopes if scope.kind == "watches" for value in scope.values}


def about(scope: Scope, names: Mapping[str, str] | None = None) -> str:
    """Return which items are meant."""
    values = ", ".join(sorted((names or {}).get(value, value) for value in scope.values))
    words = {"all": "all items", "tags": "tagged", "project": "of project", "watches": "only"}
    return f"{words[scope.kind]} {values}".strip()


def sentence(rule: Rule, names: Mapping[str, str] | None = None) -> str:
    """Return a rule in words."""
    told = f"{about(rule.scope, names)}: {events(rule)}"
    return "; ".join([told, *_when(rule)])


def events(rule: Rule) -> str:
    """Return what a rule tells of."""
    return ", ".join(dict.fromkeys(EVENTS[one] for one in EVENTS if one in rule.events))


def _when(rule: Rule) -> list[str]:
    told = []
    if rule.delay_s:
        told.append(f"if it lasts {span(rule.delay_s)}")
    if rule.quiet:
        told.append(
            f"not from {rule.quiet.start:%H:%M} to {rule.quiet.end:%H:%M} {rule.quiet.timezone}"
        )
    if rule.digest:
        told.append(f"collected for {rule.digest.time:%H:%M} {rule.digest.timezone}")
    if rule.repeat_s:
        told.append(f"again every {span(rule.repeat_s)}")
    return told
