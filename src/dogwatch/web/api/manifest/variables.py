"""Variables in a manifest: each by its key; values stay where they are, and are told as `***`.

A file that says `***` leaves the value to whoever sets it here; one that gives it keeps it.
"""

from collections.abc import Sequence
from functools import partial

from dogwatch.core.manifest.change import Change
from dogwatch.core.manifest.said import Told, without
from dogwatch.core.problems import invalid
from dogwatch.core.variable import key_fault
from dogwatch.usecases import variables
from dogwatch.usecases.keeping import VARIABLE
from dogwatch.usecases.variables import Variable
from dogwatch.web.api.manifest.places import parsed
from dogwatch.web.api.manifest.plan import Plan, Turn, Writing, asked_of
from dogwatch.web.api.manifest.present import Present
from dogwatch.web.api.masks import MASK
from dogwatch.web.api.variables import VariableValue


def told(present: Present) -> list[Told]:
    """Return all variables, by key."""
    found = sorted(present.variables.values(), key=lambda one: one.key)
    return [_told(one.key, one.description) for one in found]


def _told(key: str, description: str) -> Told:
    return {"key": key, "value": MASK, **without({"description": description}, {"description": ""})}


def judge(one: Told) -> None:
    """Raise a Problem of all that is wrong in itself."""
    key, bad = one.get("key"), {}
    if fault := key_fault(key) if isinstance(key, str) else "is required, and text":
        bad["key"] = fault
    parsed(VariableValue, {name: value for name, value in one.items() if name != "key"}, bad)


def plan(plan: Plan, some: Sequence[Told]) -> None:
    """Plan what makes or changes variables."""
    for place, one in asked_of(some, "variables"):
        with plan.at(place):
            _plan(plan, place, one)


def _plan(plan: Plan, place: str, one: Told) -> None:
    key, value, description = one["key"], one["value"], one.get("description") or ""
    row, thing = plan.present.variables.get(key), (VARIABLE, one["key"])
    if value == MASK and row is None:
        raise invalid("value", f"{MASK} keeps the value that is stored, but none is; give it")
    if row and value != MASK:
        plan.keep(thing, key)
    same = row and (value == MASK or variables.value_of(plan.present.vault, row) == value)
    before = _told(key, row.description) if row else None
    after = _told(key, description)
    if not same or before != after:
        plan.admit(thing, key)
        plan.change(Change("variables", before, after), thing)
        plan.do(Turn.PUT, place, partial(_put, row if same else None, key, value, description))


def _put(same: Variable | None, key: str, value: str, description: str, writing: Writing) -> None:
    tx, workspace_id = writing.where
    at = writing.present.at
    if same:
        variables.describe(tx, workspace_id, key, description, at)
    else:
        variables.put(tx, writing.vault, workspace_id, key, value, at, description)
    if value != MASK:
        writing.kept.add((VARIABLE, key))
