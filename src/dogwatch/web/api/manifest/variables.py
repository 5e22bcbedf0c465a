"""Variables in a manifest: each by its key; values stay where they are, and are told as `***`."""

from collections.abc import Sequence

from dogwatch.core.manifest.said import Told
from dogwatch.core.problems import Problem, invalid
from dogwatch.core.variable import key_fault
from dogwatch.usecases import variables
from dogwatch.web.api.manifest.work import Work, at, parsed
from dogwatch.web.api.masks import MASK
from dogwatch.web.api.variables import VariableValue

MOST = 1_000_000


def told(work: Work) -> list[Told]:
    """Return all variables, by key."""
    every = variables.page(work.tx, work.workspace_id, MOST, "")
    found = [
        {"key": one.key, "value": MASK}
        | ({"description": one.description} if one.description else {})
        for one in every
    ]
    return sorted(found, key=lambda one: one["key"])


def judge(one: Told) -> None:
    """Raise a Problem of all that is wrong in itself."""
    key = one.get("key")
    fault = key_fault(key) if isinstance(key, str) else "is required, and text"
    if fault:
        raise Problem("invalid", fault, {"key": fault})
    parsed(VariableValue, {name: value for name, value in one.items() if name != "key"})


def take(work: Work, some: Sequence[Told]) -> None:
    """Make or change variables."""
    for number, one in enumerate(some):
        with at(f"variables.{number}"):
            _put(work, one)


def _put(work: Work, one: Told) -> None:
    key, value, description = one["key"], one["value"], one.get("description", "")
    present = variables.exists(work.tx, work.workspace_id, key)
    if value == MASK and not present:
        raise invalid("value", f"{MASK} keeps the value that is stored, but none is; give it")
    if value != MASK and value != variables.value(work.tx, work.vault, work.workspace_id, key):
        work.unseen.add(f"variables {key}")
        variables.put(work.tx, work.vault, work.workspace_id, key, value, work.at, description)
    elif variables.find(work.tx, work.workspace_id, key).description != description:
        variables.describe(work.tx, work.workspace_id, key, description, work.at)
