"""What is said of several flips at once, and of a slot that is late: as deliveries keep it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dogwatch.core.alerts import Event
from dogwatch.core.data import replace
from dogwatch.core.message import MOST_ITEMS
from dogwatch.core.plain import span
from dogwatch.core.watch import phase
from dogwatch.store.deliveries import Delivery
from dogwatch.store.untaken import Taken
from dogwatch.store.watches import Down, Record
from dogwatch.usecases import facts

__all__ = ["MOST_ITEMS"]


def group_of(
    named: Sequence[Delivery], count: int, key: str | None, others: Down
) -> dict[str, Any]:
    """Return what one message says of `count` watches, of which some are named.

    `key` names the trouble at the other side; one alone keeps its own. `others` is what else
    is down.
    """
    if count == 1:
        return named[0].message
    items = [item for one in named for item in one.message["items"]][:MOST_ITEMS]
    told = facts.beside(others.named, others.count, items[0].get("tags", ()))
    return {"key": key or "", "items": items, "more": count - len(items), **told}


def changed(named: Sequence[Delivery], times: Mapping[str | None, int]) -> list[Delivery]:
    """Return deliveries that say how often their watch changed meanwhile, if more than once."""
    return [
        replace(one, message=_changed(one.message, times[one.watch_id]))
        if one.watch_id and times[one.watch_id] > 1
        else one
        for one in named
    ]


def _changed(message: Mapping[str, Any], times: int) -> dict[str, Any]:
    return {**message, "items": [{**item, "changes": times} for item in message["items"]]}


def late_notice(record: Record, slot_at: datetime) -> dict[str, Any]:
    """Return what is said of a slot that is due and not judged yet."""
    return _overdue(record, slot_at, "nothing heard yet")


def unwatched_notice(record: Record, places: Sequence[tuple[str, datetime]]) -> dict[str, Any]:
    """Return what is said of a probe whose turn nobody takes: where, and since when."""
    where = ", ".join(location for location, _ in places)
    since_at = min(since_at for _, since_at in places)
    reason = f"it is unwatched: no node of location {where} asks it"
    # A trouble of its own: that it is asked again does not close that it is down.
    return {
        **_overdue(record, since_at, reason),
        "key": f"{record.id}-unwatched",
        "unwatched": True,
    }


def watched_notice(record: Record, places: Sequence[Taken], at: datetime) -> dict[str, Any]:
    """Return what is said of a probe whose turns somebody takes again: where, and after how long.

    Its status may be any: what ended is that nobody looked.
    """
    where = ", ".join(one.location for one in places)
    for_s = max((one.asked_at - one.since_at).total_seconds() for one in places)
    reason = f"location {where} asks it again, after {span(for_s)} in which nobody did"
    message = unwatched_notice(record, [(one.location, one.since_at) for one in places])
    (item,) = message["items"]
    told = {"event": str(Event.RECOVERED), "reason": reason, "since_at": at.isoformat()}
    return {**message, "items": [{**item, **told, "expected_at": None}]}


def asked_for(event: Event, message: Mapping[str, Any]) -> Event:
    """Return the event that rules must ask for: that nobody watches is as grave as being down."""
    return Event.DOWN if message.get("unwatched") else event


def _overdue(record: Record, slot_at: datetime, reason: str) -> dict[str, Any]:
    watch = record.watch
    item = {
        **facts.named(record), "event": str(Event.LATE),
        "status": str(watch.status), "previous_status": str(watch.status),
        "since_at": slot_at.isoformat(), "expected_at": slot_at.isoformat(),
        "reason": reason, "last_ok_at": watch.ok_at and watch.ok_at.isoformat(),
        "last_ok_ms": watch.duration_ms if watch.ok_at else None, "about": facts.about(record),
        "schedule": record.schedule, "grace_s": watch.plan.start_by_s,
    }  # fmt: skip
    return facts.alone(record.id, item)


def still_late(message: Mapping[str, Any], record: Record, at: datetime) -> bool:
    """Tell whether the slot that a notice is about is still owed."""
    owed_at = record.watch.slot_at
    if owed_at is None or phase(record.watch, at) != "late":
        return False
    return bool(owed_at.isoformat() == message["items"][0]["expected_at"])
