"""Soft deletion: what a dialect deletes so is gone there, and paused until somebody resumes it.

After `KEPT` it is deleted for good.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from dogwatch.store import aliases, pauses, watches
from dogwatch.store.aliases import Alias
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases.aliases import Named
from dogwatch.usecases.watches import is_paused, remove, switch

KEPT = timedelta(days=30)


def put_away(tx: Tx, named: Named, at: datetime) -> None:
    """Have a dialect show a locked watch no more, and expect nothing of it."""
    alias, record = named
    record = switch(tx, record, at, on=False)
    pauses.drop(tx, record.key)  # one that would end by itself
    aliases.put_away(tx, alias, max(at, record.watch.since_at or at))


def known(tx: Tx, workspace_id: int, dialect: str) -> Mapping[str, Alias]:
    """Return what a dialect calls the watches that it ever put away, by their ids."""
    return aliases.away(tx, workspace_id, dialect)


def is_away(alias: Alias | None, record: Record) -> bool:
    """Whether a dialect has put a watch away, and nobody has resumed it since."""
    deleted_at, paused_at = alias.deleted_at if alias else None, record.watch.since_at
    if deleted_at is None or paused_at is None or not is_paused(record):
        return False
    return paused_at <= deleted_at


def tidy(tx: Tx, at: datetime, limit: int) -> int:
    """Delete what has been away for long; return how many were looked at."""
    found = aliases.away_before(tx, at - KEPT, limit)
    for alias in found:
        record = watches.by_id(tx, alias.workspace_id, alias.watch_id, lock=True)
        if record and is_away(alias, record):
            remove(tx, record)
        else:
            aliases.put_away(tx, alias, None)
    return len(found)
