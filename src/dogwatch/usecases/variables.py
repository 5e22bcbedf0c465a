"""Variables: read, set, described, listed with who uses them, removed."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from dogwatch.core.masking import is_too_short
from dogwatch.core.problems import Problem, invalid
from dogwatch.core.variable import PER_WORKSPACE, check, description_fault
from dogwatch.ids import new_id
from dogwatch.store import variables
from dogwatch.store.tx import Tx
from dogwatch.store.variables import Use, Variable
from dogwatch.usecases import keeping
from dogwatch.vault import Vault

__all__ = ["Use", "Variable"]


def context(workspace_id: int, key: str) -> str:
    """Return the identity of a variable's row, which its sealed value belongs to."""
    return f"variable:{workspace_id}:{key}"


def find(tx: Tx, workspace_id: int, key: str) -> Variable:
    """Return a variable or raise not_found."""
    variable = variables.get(tx, workspace_id, key)
    if variable is None:
        raise Problem("not_found", f"there is no variable {key[:100]!r}")
    return variable


def exists(tx: Tx, workspace_id: int, key: str) -> bool:
    """Whether there is a variable of this key."""
    return variables.get(tx, workspace_id, key) is not None


def value_of(vault: Vault, variable: Variable) -> str:
    """Decrypt the value of a variable."""
    return vault.open(variable.sealed, context(variable.workspace_id, variable.key)).decode()


def is_masked(vault: Vault, variable: Variable) -> bool:
    """Whether what scripts print is without the value, or there is none."""
    return not is_too_short(value_of(vault, variable))


def value(tx: Tx, vault: Vault, workspace_id: int, key: str) -> str | None:
    """Return the value of a variable, None where there is none."""
    variable = variables.get(tx, workspace_id, key)
    return value_of(vault, variable) if variable else None


def put(
    tx: Tx,
    vault: Vault,
    workspace_id: int,
    key: str,
    text: str,
    at: datetime,
    description: str | None = None,
    *,
    by_run: bool = False,
) -> Variable:
    """Set a variable, made if need be; without a description it keeps the one it has.

    One whose value stands in a manifest is changed there, or by a run.
    """
    if not by_run:
        refuse_kept(tx, workspace_id, key)
    check(key, text, description or "")
    sealed = vault.seal(text.encode(), context(workspace_id, key))
    if not variables.replace(tx, workspace_id, key, sealed, at):
        _admit(tx, workspace_id)
        made = Variable(workspace_id, key, new_id(at), sealed, description or "", at, at)
        variables.add(tx, made)
    if description is not None:
        variables.describe(tx, workspace_id, key, description, at)
    return find(tx, workspace_id, key)


def refuse_kept(tx: Tx, workspace_id: int, key: str) -> None:
    """Raise a conflict for a variable whose value stands in a manifest."""
    keeping.refuse(tx, workspace_id, (keeping.VARIABLE, key), key)


def _admit(tx: Tx, workspace_id: int) -> None:
    refuse_more(variables.count(tx, workspace_id) + 1)


def refuse_more(count: int) -> None:
    """Raise a conflict for so many variables in a workspace."""
    if count > PER_WORKSPACE:
        raise Problem("conflict", f"a workspace has at most {PER_WORKSPACE} variables")


def describe(tx: Tx, workspace_id: int, key: str, description: str, at: datetime) -> Variable:
    """Change the description of a variable alone."""
    refuse_kept(tx, workspace_id, key)
    if fault := description_fault(description):
        raise invalid("description", fault)
    find(tx, workspace_id, key)
    variables.describe(tx, workspace_id, key, description, at)
    return find(tx, workspace_id, key)


def remove(tx: Tx, workspace_id: int, key: str) -> None:
    """Delete a variable; who uses it stays known, for the next one of its key."""
    keeping.let_go(tx, workspace_id, (keeping.VARIABLE, key))
    if not variables.remove(tx, workspace_id, key):
        raise Problem("not_found", f"there is no variable {key[:100]!r}")


def page(tx: Tx, workspace_id: int, limit: int, after: str) -> Sequence[Variable]:
    """Return variables oldest first, from the one after id `after`."""
    return variables.listed(tx, workspace_id, limit, after)


def uses(tx: Tx, found: Sequence[Variable]) -> Mapping[str, Sequence[Use]]:
    """Return who uses these variables of one workspace, by key."""
    if not found:
        return {}
    used: dict[str, list[Use]] = {variable.key: [] for variable in found}
    for use in variables.uses(tx, found[0].workspace_id, used.keys()):
        used[use.key].append(use)
    return used


def note_uses(
    tx: Tx, workspace_id: int, watch_id: str, read: Iterable[str], put: Iterable[str], at: datetime
) -> None:
    """Note which variables a run of a job has read and set."""
    variables.note(tx, workspace_id, watch_id, read, put, at)
