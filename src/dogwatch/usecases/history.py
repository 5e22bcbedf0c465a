"""The history of a watch as up and down: who tells of nothing else sees no other change."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dogwatch.store import flips
from dogwatch.store.flips import FlipRow
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record

SCANNED = 500
_SHOWN = {"up": "up", "degraded": "up", "down": "down"}


@dataclass(frozen=True, slots=True)
class Turn:
    """A watch came up or went down; `before_s` is how long it was the other, None at first."""

    id: str
    status: str
    at: datetime
    before_s: int | None


def turns(tx: Tx, record: Record, limit: int) -> list[Turn]:
    """Return the last turns of a watch, newest first, as far back as flips are kept."""
    kept: list[FlipRow] = []
    before, more = "", True
    while more and len(kept) <= limit + 1:
        seen = flips.listed(tx, record.workspace_id, SCANNED, before, watch_id=record.id)
        more = len(seen) == SCANNED
        before = seen[-1].id if seen else ""
        kept = _turning([*kept, *(one for one in seen if one.to_status in _SHOWN)])
    if more:
        kept = kept[:-1]  # what stands before it was not looked at
    return [_turn(kept, place) for place in range(min(limit, len(kept)))]


def _turning(shown: Sequence[FlipRow]) -> list[FlipRow]:
    """Return those that are not the same as the one before them in time."""
    statuses = [_SHOWN[one.to_status] for one in shown]
    return [
        one
        for one, status, older in zip(shown, statuses, [*statuses[1:], ""], strict=False)
        if status != older
    ]


def _turn(kept: Sequence[FlipRow], place: int) -> Turn:
    one = kept[place]
    older = kept[place + 1] if place + 1 < len(kept) else None
    before_s = int((one.at - older.at).total_seconds()) if older else None
    return Turn(one.id, _SHOWN[one.to_status], one.at, before_s)
