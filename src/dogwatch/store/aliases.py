"""Aliases: by which name and ping key a dialect knows a watch."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, Select, cast, func, insert, select, update
from sqlalchemy.dialects import sqlite

from dogwatch.store.tables import aliases, instance, ping_keys
from dogwatch.store.tx import Tx

LAST_NUMBER = "last_alias_number"


@dataclass(frozen=True, slots=True)
class Alias:
    """What a dialect calls a watch: `number` or `name`; `said` is what only it has fields for, and
    `deleted_at` when it put the watch away."""

    workspace_id: int
    dialect: str
    watch_id: str
    name: str
    ping_key: str
    said: Mapping[str, Any]
    number: int = 0
    deleted_at: datetime | None = None


def add(tx: Tx, alias: Alias, *, name_pings: bool = False) -> Alias:
    """Insert an alias and its ping key, or both its ping keys where the name is one, too.

    IntegrityError where name or key are taken.
    """
    values = {name: getattr(alias, name) for name in Alias.__slots__ if name != "number"}
    own = {"number": _next_number(tx)} if tx.dialect == "sqlite" else {}
    number = tx.conn.scalar(insert(aliases).values(**values, **own).returning(aliases.c.number))
    for key in (alias.ping_key, alias.name) if name_pings else (alias.ping_key,):
        tx.conn.execute(
            insert(ping_keys).values(
                key=key, workspace_id=alias.workspace_id, watch_id=alias.watch_id
            )
        )
    return Alias(**values, number=int(number or 0))


def _next_number(tx: Tx) -> int:
    """Return a number that none ever had: SQLite itself gives the last one again once its row is
    gone, and who knows a thing by it would have another."""
    most = select(func.coalesce(func.max(aliases.c.number), 0)).scalar_subquery()
    known = func.max(cast(instance.c.value, Integer), most)
    taken = sqlite.insert(instance).values(name=LAST_NUMBER, value=most + 1)
    taken = taken.on_conflict_do_update(index_elements=["name"], set_={"value": known + 1})
    return int(tx.conn.scalars(taken.returning(instance.c.value)).one())


def of_watches(
    tx: Tx, workspace_id: int, dialect: str, watch_ids: Collection[str]
) -> dict[str, Alias]:
    """Return the aliases of watches, by their ids."""
    found = _of(workspace_id, dialect).where(aliases.c.watch_id.in_(list(watch_ids)))
    return {alias.watch_id: alias for alias in _aliases(tx, found)}


def of_watch(tx: Tx, workspace_id: int, watch_id: str) -> Sequence[Alias]:
    """Return what each dialect calls a watch."""
    mine = (aliases.c.workspace_id == workspace_id, aliases.c.watch_id == watch_id)
    return _aliases(tx, select(aliases).where(*mine).order_by(aliases.c.dialect))


def by_name(tx: Tx, workspace_id: int, dialect: str, name: str) -> Alias | None:
    """Return the alias with this name."""
    return next(iter(_aliases(tx, _of(workspace_id, dialect).where(aliases.c.name == name))), None)


def by_numbers(
    tx: Tx, workspace_id: int, dialect: str, numbers: Collection[int]
) -> Sequence[Alias]:
    """Return the aliases with these numbers."""
    found = _of(workspace_id, dialect).where(aliases.c.number.in_(list(numbers)))
    return _aliases(tx, found) if numbers else ()


def say(tx: Tx, alias: Alias, said: Mapping[str, Any]) -> None:
    """Replace what only the dialect has fields for."""
    tx.conn.execute(update(aliases).where(aliases.c.number == alias.number).values(said=dict(said)))


def put_away(tx: Tx, alias: Alias, at: datetime | None) -> None:
    """Note when a dialect put a watch away; None: it did not."""
    tx.conn.execute(update(aliases).where(aliases.c.number == alias.number).values(deleted_at=at))


def away(tx: Tx, workspace_id: int, dialect: str) -> dict[str, Alias]:
    """Return the aliases of watches that a dialect put away, by their ids."""
    found = _of(workspace_id, dialect).where(aliases.c.deleted_at.is_not(None))
    return {alias.watch_id: alias for alias in _aliases(tx, found)}


def away_before(tx: Tx, at: datetime, limit: int) -> Sequence[Alias]:
    """Return the oldest that were put away before a time, in whatever workspace."""
    found = select(aliases).where(aliases.c.deleted_at < at).order_by(aliases.c.deleted_at)
    return _aliases(tx, found.limit(limit))


def _of(workspace_id: int, dialect: str) -> Select[Any]:
    return select(aliases).where(
        aliases.c.workspace_id == workspace_id, aliases.c.dialect == dialect
    )


def _aliases(tx: Tx, found: Select[Any]) -> Sequence[Alias]:
    return [Alias(**row._mapping) for row in tx.conn.execute(found)]
