"""Pages that are counted, as the dialects have them: by number, with the total."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from dogwatch.store import flips, pings, watches
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record

T = TypeVar("T")

SCANNED = 500


@dataclass(frozen=True, slots=True)
class Counted(Generic[T]):
    """Some of `total` things."""

    items: Sequence[T]
    total: int


@dataclass(frozen=True, slots=True)
class Tally:
    """What a watch has been through, as far back as it is kept."""

    pings: int
    downs: int


def watch_page(
    tx: Tx, workspace_id: int, page: int, size: int, *, newest: bool = False, **filters: Any
) -> Counted[Record]:
    """Return the watches of a page, the first being 1; filters by column."""
    offset = (page - 1) * size
    return Counted(*watches.numbered(tx, workspace_id, offset, size, newest=newest, **filters))


def kept_page(
    tx: Tx, workspace_id: int, page: int, size: int, keep: Callable[[Record], bool]
) -> Counted[Record]:
    """Return the watches of a page of those that `keep` says to show, which no column tells."""
    kept: list[Record] = []
    after = ""
    while True:
        seen = watches.listed(tx, workspace_id, SCANNED, after)
        kept += [record for record in seen if keep(record)]
        if len(seen) < SCANNED:
            break
        after = seen[-1].id
    return Counted(kept[(page - 1) * size : page * size], len(kept))


def ping_page(
    tx: Tx,
    record: Record,
    page: int,
    size: int,
    from_at: datetime | None = None,
    until_at: datetime | None = None,
) -> Counted[dict[str, Any]]:
    """Return the pings of a page, newest first, as plain rows."""
    offset = (page - 1) * size
    return Counted(*pings.numbered(tx, *record.key, offset, size, from_at, until_at))


def tally(tx: Tx, record: Record) -> Tally:
    """Return how often a watch was heard, and how often it went down."""
    _, heard = pings.numbered(tx, *record.key, 0, 0)
    return Tally(heard, flips.count(tx, *record.key, "down"))


def newest_pings(tx: Tx, records: Sequence[Record]) -> dict[str, dict[str, Any]]:
    """Return the newest ping of each watch of one workspace that has any, as plain rows."""
    ids = [record.id for record in records]
    return pings.newest(tx, records[0].workspace_id, ids) if records else {}


def ping_counts(tx: Tx, records: Sequence[Record]) -> dict[str, int]:
    """Return how often each watch of one workspace was heard, as far back as that is kept."""
    ids = [record.id for record in records]
    return pings.counts(tx, records[0].workspace_id, ids) if records else {}
