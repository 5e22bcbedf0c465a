"""Variables of a workspace, each value sealed, and which job reads and sets which."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, or_, select, update

from dogwatch.store.tables import variable_uses, variables, watches
from dogwatch.store.tx import INSERTS, Tx


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable; `sealed` is its value, encrypted."""

    workspace_id: int
    key: str
    id: str
    sealed: bytes
    description: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Use:
    """That a job names a variable in its script, and when its runs last read and set it."""

    key: str
    watch_id: str
    slug: str
    named: bool
    read_at: datetime | None
    set_at: datetime | None


def get(tx: Tx, workspace_id: int, key: str) -> Variable | None:
    """Return one variable."""
    row = tx.conn.execute(_GET, {"of_workspace": workspace_id, "of_key": key}).first()
    return Variable(**row._mapping) if row else None


# Scripts read variables at any rate: building this anew would cost more than running it.
_GET = select(variables).where(
    variables.c.workspace_id == bindparam("of_workspace"), variables.c.key == bindparam("of_key")
)


def _of(workspace_id: int, key: str) -> ColumnElement[bool]:
    return and_(variables.c.workspace_id == workspace_id, variables.c.key == key)


def listed(tx: Tx, workspace_id: int, limit: int, after: str = "") -> Sequence[Variable]:
    """Return variables oldest first, from the one after id `after`."""
    found = (
        select(variables)
        .where(variables.c.workspace_id == workspace_id, variables.c.id > after)
        .order_by(variables.c.id)
        .limit(limit)
    )
    return [Variable(**row._mapping) for row in tx.conn.execute(found)]


def count(tx: Tx, workspace_id: int) -> int:
    """Return how many variables a workspace has."""
    mine = select(func.count()).where(variables.c.workspace_id == workspace_id)
    return int(tx.conn.scalar(mine) or 0)


def replace(tx: Tx, workspace_id: int, key: str, sealed: bytes, at: datetime) -> bool:
    """Put another value in place; tell whether there is such a variable."""
    changed = update(variables).where(_of(workspace_id, key)).values(sealed=sealed, updated_at=at)
    return tx.conn.execute(changed).rowcount > 0


def describe(tx: Tx, workspace_id: int, key: str, description: str, at: datetime) -> None:
    """Put another description in place."""
    values = {"description": description, "updated_at": at}
    tx.conn.execute(update(variables).where(_of(workspace_id, key)).values(**values))


def add(tx: Tx, variable: Variable) -> None:
    """Insert a variable; the value of one that a rival made meanwhile is replaced."""
    values = {name: getattr(variable, name) for name in Variable.__slots__}
    made = INSERTS[tx.dialect](variables).values(**values)
    changed = {name: made.excluded[name] for name in ("sealed", "updated_at")}
    keys = ["workspace_id", "key"]
    tx.conn.execute(made.on_conflict_do_update(index_elements=keys, set_=changed))


def remove(tx: Tx, workspace_id: int, key: str) -> bool:
    """Delete a variable; tell whether there was one."""
    return tx.conn.execute(delete(variables).where(_of(workspace_id, key))).rowcount > 0


# --- uses -------------------------------------------------------------------------------------


def uses(tx: Tx, workspace_id: int, keys: Collection[str]) -> Sequence[Use]:
    """Return who uses these variables."""
    same = and_(
        watches.c.workspace_id == variable_uses.c.workspace_id,
        watches.c.id == variable_uses.c.watch_id,
    )
    columns = [variable_uses.c[name] for name in Use.__slots__ if name != "slug"]
    found = (
        select(*columns, watches.c.slug)
        .join(watches, same)
        .where(variable_uses.c.workspace_id == workspace_id, variable_uses.c.key.in_(keys))
        .order_by(variable_uses.c.key, watches.c.slug)
    )
    return [Use(**row._mapping) for row in tx.conn.execute(found)]


def name(tx: Tx, workspace_id: int, watch_id: str, keys: Iterable[str]) -> None:
    """Note which variables the script of a job names, and no others."""
    mine = and_(variable_uses.c.workspace_id == workspace_id, variable_uses.c.watch_id == watch_id)
    tx.conn.execute(update(variable_uses).where(mine).values(named=False))
    _upsert(tx, [(workspace_id, key, watch_id) for key in keys], named=True)
    ran = or_(variable_uses.c.read_at.is_not(None), variable_uses.c.set_at.is_not(None))
    tx.conn.execute(delete(variable_uses).where(mine, variable_uses.c.named.is_(False), ~ran))


def name_new(tx: Tx, keys: Sequence[tuple[int, str, str]]) -> None:
    """Note what the scripts of new jobs name, as (workspace id, key, watch id)."""
    _upsert(tx, keys, named=True)


def note(
    tx: Tx, workspace_id: int, watch_id: str, read: Iterable[str], put: Iterable[str], at: datetime
) -> None:
    """Note which variables a run of a job has read and set."""
    _upsert(tx, [(workspace_id, key, watch_id) for key in read], read_at=at)
    _upsert(tx, [(workspace_id, key, watch_id) for key in put], set_at=at)


def _upsert(tx: Tx, keys: Sequence[tuple[int, str, str]], **values: Any) -> None:
    names = ("workspace_id", "key", "watch_id")
    rows = [dict(zip(names, key, strict=True)) | values for key in sorted(keys)]
    if rows:
        made = INSERTS[tx.dialect](variable_uses)
        changed = {name: made.excluded[name] for name in values}
        tx.conn.execute(made.on_conflict_do_update(index_elements=names, set_=changed), rows)
