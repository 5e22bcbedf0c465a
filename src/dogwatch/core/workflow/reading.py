"""Reading a workflow that somebody wrote: every fault is named at once, by field."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dogwatch.core.conditional import On
from dogwatch.core.problems import Problem, refuse
from dogwatch.core.run import CatchUp, Overlap
from dogwatch.core.spec import check
from dogwatch.core.workflow.definition import Definition, from_json

_WORDS: Mapping[object, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
}
FIELDS: Mapping[str, type] = {
    "name": str, "slug": str, "description": str, "tags": list, "project": str, "schedule": str,
    "timezone": str, "starts_at": str, "start_by_s": int, "finish_by_s": int,
    "slow_after_ms": int, "min_duration_ms": int, "early_s": int, "failures_before_down": int,
    "successes_before_up": int, "overlap": str, "catch_up": str, "catch_up_max": int,
    "catch_up_window_s": int, "priority": int, "max_runs": int, "reset_on_resume": bool,
    "timeout_s": float, "webhook": bool, "nodes": list, "edges": list,
}  # fmt: skip
_NODE = {"key": str, "job": str, "retries": int, "timeout_s": float, "x": float, "y": float}
_EDGE = {"source": str, "target": str, "on": str}

Faults = dict[str, str]


def read(data: object) -> Definition:
    """Return the definition that JSON or YAML holds; whether its jobs exist, the server knows."""
    bad: Faults = {}
    told = _object("", data, FIELDS, {"name"}, bad)
    if "body" in bad:
        refuse(bad)
    told["nodes"] = _objects("nodes", told.get("nodes", []), _NODE, {"key", "job"}, bad)
    told["edges"] = _objects("edges", told.get("edges", []), _EDGE, {"source", "target"}, bad)
    _choices(told, bad)
    definition = from_json({"name": "", **told})  # what is wrong is judged as if it were not there
    later: Faults = {}
    for judge in (lambda: check(definition.watch), definition.check):
        try:
            judge()
        except Problem as problem:
            later |= problem.fields
    refuse(bad | {place: why for place, why in later.items() if not _said(place, bad)})
    return definition


def _choices(told: dict[str, Any], bad: Faults) -> None:
    """Take out words that are none of those a field takes; an edge follows success at first."""
    for name, known in (("overlap", Overlap), ("catch_up", CatchUp)):
        if told.get(name) not in (None, *known):
            bad[name] = f"use one of {', '.join(known)}"
            del told[name]
    for index, edge in enumerate(told["edges"]):
        if edge.setdefault("on", str(On.SUCCESS)) not in list(On):
            bad[f"edges.{index}.on"] = f"use one of {', '.join(On)}"
            edge["on"] = str(On.SUCCESS)
    try:
        datetime.fromisoformat(told.get("starts_at") or "2000-01-01")
    except ValueError:
        bad["starts_at"] = "give a time in ISO 8601, such as 2036-01-05T22:00:00Z"
        del told["starts_at"]


def _said(place: str, bad: Faults) -> bool:
    """Whether something is told already of this place, of what is in it or of what it is in."""
    pairs = ((f"{one}.", f"{place}.") for one in bad)
    return any(one.startswith(other) or other.startswith(one) for one, other in pairs)


def _object(
    place: str, data: object, known: Mapping[str, type], needed: set[str], bad: Faults
) -> dict[str, Any]:
    """Return the fields of an object that are right, and note those that are not."""
    if not isinstance(data, Mapping):
        bad[place.rstrip(".") or "body"] = "must be an object"
        return {}
    kept = {}
    for name, value in data.items():
        if name not in known:
            bad[f"{place}{name}"] = "is not a field here; check its spelling"
        elif value is not None:
            if _fits(value, known[name]):
                kept[name] = value
            else:
                bad[f"{place}{name}"] = f"must be {_WORDS[known[name]]}"
    for name in sorted(needed - kept.keys()):
        bad.setdefault(f"{place}{name}", "is required")
    return kept


def _objects(
    place: str, data: object, known: Mapping[str, type], needed: set[str], bad: Faults
) -> list[dict[str, Any]]:
    if not isinstance(data, list):
        return []  # told already
    blank = dict.fromkeys(needed, "")
    return [blank | _object(f"{place}.{n}.", one, known, needed, bad) for n, one in enumerate(data)]


def _fits(value: object, kind: type) -> bool:
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
