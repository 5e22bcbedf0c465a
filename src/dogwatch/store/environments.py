"""The environments that single runs are given, until they end."""

from collections.abc import Collection

from sqlalchemy import bindparam, delete, insert, select, tuple_

from dogwatch.store.tables import environments
from dogwatch.store.tx import Tx

Key = tuple[int, str]

_AMONG = tuple_(environments.c.workspace_id, environments.c.run_id).in_(
    bindparam("keys", expanding=True)
)
_BY_KEYS = select(environments).where(_AMONG)


def add(tx: Tx, workspace_id: int, run_id: str, sealed: bytes) -> None:
    """Keep what a run finds in its environment."""
    values = {"workspace_id": workspace_id, "run_id": run_id, "sealed": sealed}
    tx.conn.execute(insert(environments).values(**values))


def by_keys(tx: Tx, keys: Collection[Key]) -> dict[Key, bytes]:
    """Return those that there are of runs, by (workspace id, run id)."""
    rows = tx.conn.execute(_BY_KEYS, {"keys": list(keys)}) if keys else ()
    return {(row.workspace_id, row.run_id): row.sealed for row in rows}


def drop(tx: Tx, keys: Collection[Key]) -> None:
    """Forget those of runs."""
    if keys:
        tx.conn.execute(delete(environments).where(_AMONG), {"keys": list(keys)})
