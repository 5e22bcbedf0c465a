"""Keeping: what a file keeps is changed there; all kinds of things are asked after here."""

from dogwatch.core.problems import Problem
from dogwatch.store import manifests
from dogwatch.store.manifests import ITEM, Thing
from dogwatch.store.tx import Tx

__all__ = ["CHANNEL", "ITEM", "KINDS", "MAINTENANCE", "PAGE", "PROJECT", "RULE", "VARIABLE"]

CHANNEL, RULE, MAINTENANCE = "channel", "rule", "maintenance"
VARIABLE, PAGE, PROJECT = "variable", "status_page", "project"
KINDS = (ITEM, CHANNEL, RULE, MAINTENANCE, VARIABLE, PAGE, PROJECT)


def refuse(tx: Tx, workspace_id: int, thing: Thing, label: str) -> None:
    """Raise a conflict for what is kept in a file, which names the file and how to let go."""
    file = manifests.kept(tx, workspace_id, thing)
    if file is not None:
        told = refusal(thing, label, file)
        raise Problem("conflict", told, {"form": told})


def refusal(thing: Thing, label: str, file: str) -> str:
    """Return why a thing is not changed here, and what to do."""
    kind, own = thing
    name = label if kind == ITEM else f"--kind {kind} {own}"
    return (
        f"{label} is kept in {file}: change it there and apply that, or let go of it"
        f" (dogwatch release {name})"
    )


def let_go(tx: Tx, workspace_id: int, thing: Thing) -> bool:
    """Keep a thing in no file; tell whether it was kept in one."""
    return manifests.release(tx, workspace_id, [thing]) > 0
