"""Aliases: every watch is known to every dialect, from the first time that one asks for it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.exc import IntegrityError

from dogwatch.core.dialects import DIALECTS, Form
from dogwatch.core.ping import Target
from dogwatch.core.problems import Problem
from dogwatch.ids import new_text
from dogwatch.store import aliases, watches, workspaces
from dogwatch.store.aliases import Alias
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record

__all__ = ["Alias", "Named", "Unnamed"]

TRIED = 5
# Behind all numbers that a database gives.
MOST_NUMBER = 2**53

Named = tuple[Alias, Record]


class Unnamed(Exception):  # noqa: N818  (says what is to be done)
    """A watch has no alias yet, and this transaction may not write: do it in one that may."""


def named(
    tx: Tx, workspace_id: int, dialect: str, records: Sequence[Record], *, make: bool
) -> list[Named]:
    """Return watches with their aliases; Unnamed where one lacks that `make` does not give."""
    known = aliases.of_watches(tx, workspace_id, dialect, [record.id for record in records])
    if not make and len(known) < len(records):
        raise Unnamed
    return [(known.get(one.id) or give(tx, one, dialect), one) for one in records]


def of_watch(tx: Tx, record: Record) -> Sequence[Alias]:
    """Return what each dialect that has asked for a watch knows it by."""
    return [one for one in aliases.of_watch(tx, *record.key) if one.dialect in DIALECTS]


def give(tx: Tx, record: Record, dialect: str, said: Mapping[str, Any] | None = None) -> Alias:
    """Give a watch its alias in a dialect."""
    forms = DIALECTS[dialect]
    item = forms.probe if record.probe and forms.probe else forms.item
    for _ in range(TRIED):  # a name of eight characters can be taken
        name = drawn(item)
        token = name if forms.token is item else drawn(forms.token)
        alias = Alias(record.workspace_id, dialect, record.id, name, token, said or {})
        try:
            with tx.conn.begin_nested():
                return aliases.add(tx, alias, name_pings=forms.item_pings)
        except IntegrityError:
            rival = aliases.of_watches(tx, record.workspace_id, dialect, [record.id])
            if rival:
                return rival[record.id]
    raise Problem("conflict", "no free name was found; try again")


def drawn(form: Form) -> str:
    """Return a new text of a form."""
    if form.shape:
        return "".join(new_text(form.letters, 1) if x == "x" else x for x in form.shape)
    return form.prefix + new_text(form.letters, form.length)


def find(tx: Tx, workspace_id: int, dialect: str, name: str | int, *, lock: bool = False) -> Named:
    """Return the watch that a dialect knows by this name, or number; Problem("not_found")."""
    alias = None
    if isinstance(name, int):
        alias = next(iter(_numbered(tx, workspace_id, dialect, [name])), None)
    elif name.isascii() and name.isprintable():  # PostgreSQL cannot even be asked for NUL
        alias = aliases.by_name(tx, workspace_id, dialect, name)
    record = watches.by_id(tx, workspace_id, alias.watch_id, lock=lock) if alias else None
    if alias is None or record is None:
        raise Problem("not_found", "there is nothing with this id")
    return alias, record


def find_all(tx: Tx, workspace_id: int, dialect: str, numbers: Collection[int]) -> dict[int, Named]:
    """Return the watches that a dialect knows by these numbers, as far as there are any."""
    found = _numbered(tx, workspace_id, dialect, numbers)
    records = watches.look(tx, workspace_id, {alias.watch_id for alias in found})
    return {alias.number: (alias, records[alias.watch_id]) for alias in found}


def _numbered(tx: Tx, workspace_id: int, dialect: str, numbers: Collection[int]) -> Sequence[Alias]:
    possible = [number for number in numbers if 0 < number < MOST_NUMBER]
    return aliases.by_numbers(tx, workspace_id, dialect, possible)


def pinged(tx: Tx, dialect: str, target: Target, *, lock: bool = False) -> Named | None:
    """Return the watch that a ping is for, in whatever workspace, if the dialect knows it."""
    key = _key_of(tx, target)
    record = watches.by_id(tx, *key, lock=lock) if key else None
    if record is None:
        return None
    alias = aliases.of_watches(tx, record.workspace_id, dialect, [record.id]).get(record.id)
    return (alias, record) if alias else None


def _key_of(tx: Tx, target: Target) -> tuple[int, str] | None:
    if target.key:
        return watches.keys_of_pings(tx, [target.key]).get(target.key)
    owner = workspaces.by_ping_keys(tx, [target.workspace_key]).get(target.workspace_key)
    slug = (owner.id, target.slug) if owner else None
    return watches.keys_of_slugs(tx, [slug]).get(slug) if slug else None


def say(tx: Tx, alias: Alias, **said: Any) -> Alias:
    """Keep what only the dialect has fields for, beside what it said before."""
    both = {**alias.said, **said}
    aliases.say(tx, alias, both)
    return replace(alias, said=both)
