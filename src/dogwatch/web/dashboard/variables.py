"""Variables: set, used, and never shown again."""

from collections.abc import Mapping, Sequence

from fastapi import Response

from dogwatch.core.masking import SHORTEST
from dogwatch.core.variable import DESCRIPTION_LENGTH, KEY_LENGTH
from dogwatch.usecases import manifests, variables
from dogwatch.usecases.callers import require
from dogwatch.usecases.door import Tx
from dogwatch.usecases.manifests import Thing
from dogwatch.usecases.variables import Use, Variable
from dogwatch.web.dashboard.pages import moved, rendered
from dogwatch.web.dashboard.visit import Visit

MOST = 1000
Found = tuple[Sequence[Variable], Mapping[str, Sequence[Use]], set[str], Mapping[Thing, str]]


async def show(visit: Visit) -> Response:
    """Show the variables with who uses them, without their values."""
    require(visit.caller, "variables.list")

    def found(tx: Tx) -> Found:
        every = variables.page(tx, visit.workspace_id, MOST, "")
        bare = {one.key for one in every if not variables.is_masked(visit.services.vault, one)}
        kept = manifests.kept_things(tx, visit.workspace_id)
        return every, variables.uses(tx, every), bare, kept

    every, uses, bare, kept = await visit.see(found)
    return rendered(
        visit, "variables.html", variables=every, uses=uses, bare=bare, kept=kept,
        shortest=SHORTEST, key_length=KEY_LENGTH, description_length=DESCRIPTION_LENGTH,
    )  # fmt: skip


async def put(visit: Visit) -> Response:
    """Set a variable, made if there is none of this key."""
    key, value = visit.form.get("key", ""), visit.form.get("value", "").replace("\r\n", "\n")
    description, vault = visit.form.get("description", "").strip() or None, visit.services.vault

    def done(tx: Tx) -> Variable:
        return variables.put(tx, vault, visit.workspace_id, key, value, visit.at, description)

    await visit.carry_out("variables.set", key[:KEY_LENGTH], done)
    return moved(visit, "settings/variables")


async def ask_removal(visit: Visit) -> Response:
    """Ask whether it shall really be deleted, and name who uses it."""
    require(visit.caller, "variables.delete")

    def found(tx: Tx) -> tuple[Variable, Sequence[Use]]:
        one = variables.find(tx, visit.workspace_id, _key(visit))
        return one, variables.uses(tx, [one])[one.key]

    variable, uses = await visit.see(found)
    return rendered(visit, "variable_remove.html", variable=variable, uses=uses)


async def remove(visit: Visit) -> Response:
    """Delete a variable."""
    key = _key(visit)
    await visit.carry_out(
        "variables.delete", key, lambda tx: variables.remove(tx, visit.workspace_id, key)
    )
    return moved(visit, "settings/variables")


def _key(visit: Visit) -> str:
    return visit.name[:KEY_LENGTH]
