"""Reading a workflow that somebody wrote: every fault is named at once, by field."""

from collections.abc import Mapping
from typing import Any

from dogwatch.core.conditional import On
from dogwatch.core.problems import Problem, refuse
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
    told["nodes"] = _objects("nodes", told.get("nodes", []), _NODE, {"key", "job"}, bad)
    told["edges"] = _objects("edges", told.get("edges", []), _EDGE, {"source", "target"}, bad)
    for index, edge in enumerate(told["edges"]):
        edge.setdefault("on", str(On.SUCCESS))
        if edge["on"] not in list(On):
            bad[f"edges.{index}.on"] = f"use one of {', '.join(On)}"
    refuse(bad)
    try:
        definition = from_json(told)
    except ValueError as error:  # a word that is none of those an option knows
        raise Problem("invalid", str(error), {"body": str(error)}) from None
    for judge in (lambda: check(definition.watch), definition.check):
        try:
            judge()
        except Problem as problem:
            bad |= problem.fields
    refuse(bad)
    return definition


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
            kept[name] = value
            if not _fits(value, known[name]):
                bad[f"{place}{name}"] = f"must be {_WORDS[known[name]]}"
    for name in sorted(needed - kept.keys()):
        bad[f"{place}{name}"] = "is required"
    return kept


def _objects(
    place: str, data: object, known: Mapping[str, type], needed: set[str], bad: Faults
) -> list[dict[str, Any]]:
    if not isinstance(data, list):
        return []  # told already
    return [_object(f"{place}.{n}.", one, known, needed, bad) for n, one in enumerate(data)]


def _fits(value: object, kind: type) -> bool:
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
