"""The facts of a flip: gathered in the flip's own transaction, stored with each delivery."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dogwatch.core.alerts import Event, tail
from dogwatch.core.watch import Watch, phase
from dogwatch.store import runs
from dogwatch.store.deliveries import Delivery
from dogwatch.store.flips import FlipRow
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record

# The last chunks of an output; a message carries a few lines of them.
CHUNKS = 20
MOST_ITEMS = 20


@dataclass(frozen=True, slots=True)
class Turn:
    """A flip of a watch, before and after it, with the run or the words that brought it about."""

    flip: FlipRow
    record: Record
    before: Watch
    after: Watch
    run_id: str | None
    body: str


def facts_of(tx: Tx, turn: Turn, event: Event) -> dict[str, Any]:
    """Return what the message says, as it is at the flip: a JSON object."""
    del event
    flip, record, before = turn.flip, turn.record, turn.before
    down_for_s = (flip.at - before.since_at).total_seconds() if before.since_at else 0.0
    recovered = flip.to_status in {"up", "degraded"} and flip.from_status in {"down", "degraded"}
    expected_at = before.slot_at if before.slot_at and before.slot_at <= flip.at else None
    return {
        "watch_id": record.id,
        "slug": record.slug,
        "name": record.name,
        "tags": list(record.tags),
        "status": flip.to_status,
        "previous_status": flip.from_status,
        "since_at": flip.at.isoformat(),
        "expected_at": expected_at and expected_at.isoformat(),
        "reason": flip.reason,
        "last_ok_at": before.ok_at and before.ok_at.isoformat(),
        "duration_ms": turn.after.duration_ms if recovered else None,
        "down_for_s": max(down_for_s, 0.0) if recovered else None,
        "output_tail": tail(_output(tx, turn)),
        "timezone": record.timezone,
    }


def _output(tx: Tx, turn: Turn) -> str:
    if not turn.before.job or turn.run_id is None:
        return turn.body
    return runs.output_tail(tx, turn.flip.workspace_id, turn.run_id, CHUNKS)


def group_of(named: Sequence[Delivery], count: int, key: str | None) -> dict[str, Any]:
    """Return what one message says of `count` deliveries, of which these are named."""
    del key
    first = dict(named[0].message)
    return first if count == 1 else first | {"name": f"{first['name']} and {count - 1} others"}


def late_facts(record: Record, slot_at: datetime) -> dict[str, Any]:
    """Return what is said of a slot that is due and not judged yet."""
    return {
        "watch_id": record.id, "slug": record.slug, "name": record.name,
        "tags": list(record.tags), "status": str(record.watch.status),
        "previous_status": str(record.watch.status), "since_at": slot_at.isoformat(),
        "expected_at": slot_at.isoformat(), "reason": "nothing heard yet",
        "last_ok_at": record.watch.ok_at and record.watch.ok_at.isoformat(),
        "duration_ms": None, "down_for_s": None, "output_tail": "", "timezone": record.timezone,
    }  # fmt: skip


def still_late(message: Mapping[str, Any], record: Record, at: datetime) -> bool:
    """Tell whether the slot that a message is about is still owed."""
    owed_at = record.watch.slot_at
    return (
        phase(record.watch, at) == "late"
        and owed_at is not None
        and (owed_at.isoformat() == message["expected_at"])
    )
