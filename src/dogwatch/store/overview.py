"""What the page of all watches asks: how many are how, and a page of them, the worst first."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, case, func, or_, select, type_coerce

from dogwatch.store.tables import flips, watches
from dogwatch.store.tx import Tx
from dogwatch.store.types import encode
from dogwatch.store.watches import Record, some

_LATE = "late"
STATES = ("down", _LATE, "degraded", "new", "up", "paused")


def _phase(at: datetime) -> ColumnElement[str]:
    """The status as people see it; see `core.watch.phase`."""
    late = and_(
        watches.c.kind.not_in(("job", "probe", "workflow")),
        watches.c.slot_at <= at,
        or_(
            watches.c.status.in_(("up", "degraded")),
            and_(watches.c.status == "new", watches.c.heard_at.is_not(None)),
        ),
    )
    return case((late, _LATE), else_=watches.c.status)


def _chosen(
    workspace_id: int, at: datetime, state: str, tag: str, words: str
) -> list[ColumnElement[bool]]:
    chosen = [watches.c.workspace_id == workspace_id]
    if state:
        chosen.append(_phase(at) == state)
    if tag:
        chosen.append(type_coerce(watches.c.tags, Text).contains(encode(tag), autoescape=True))
    return [*chosen, *map(_has, words.split())]


def _has(word: str) -> ColumnElement[bool]:
    """Whether a name, a slug or a tag holds a word; tags stand as JSON."""
    tags = type_coerce(watches.c.tags, Text)
    places = [(watches.c.name, word), (watches.c.slug, word), (tags, encode(word)[1:-1])]
    return or_(*(column.icontains(text, autoescape=True) for column, text in places))


def counts(tx: Tx, workspace_id: int, at: datetime, tag: str, words: str) -> Mapping[str, int]:
    """Return how many watches are in each state."""
    phase = _phase(at).label("phase")
    found = select(phase, func.count()).where(*_chosen(workspace_id, at, "", tag, words))
    rows: Any = tx.conn.execute(found.group_by(phase))
    return {row[0]: row[1] for row in rows}


def page(
    tx: Tx, workspace_id: int, at: datetime, state: str, tag: str, words: str, offset: int,
    limit: int,
) -> Sequence[Record]:  # fmt: skip
    """Return watches, the worst first, then by name."""
    worst = case({name: number for number, name in enumerate(STATES)}, value=_phase(at))
    return some(
        tx,
        lambda found: (
            found.where(*_chosen(workspace_id, at, state, tag, words))
            .order_by(worst, func.lower(watches.c.name), watches.c.id)
            .offset(offset)
            .limit(limit)
        ),
    )


def turns(
    tx: Tx, workspace_id: int, watch_ids: Collection[str], since_at: datetime
) -> dict[str, list[tuple[datetime, str, str]]]:
    """Return (at, from, to) of the flips of watches since a time, oldest first."""
    columns = (flips.c.watch_id, flips.c.at, flips.c.from_status, flips.c.to_status)
    found = select(*columns).where(
        flips.c.workspace_id == workspace_id,
        flips.c.watch_id.in_(list(watch_ids)),
        flips.c.at >= since_at,
    )
    by_watch: dict[str, list[tuple[datetime, str, str]]] = {}
    rows: Any = tx.conn.execute(found.order_by(flips.c.at, flips.c.id))
    for watch_id, at, before, after in rows:
        by_watch.setdefault(watch_id, []).append((at, before, after))
    return by_watch
