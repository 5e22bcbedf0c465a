"""Rehearsals: what a miss would send is sent, marked as such, to all who would be told of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from dogwatch.core.alerts import Event
from dogwatch.core.problems import invalid
from dogwatch.ids import new_ids
from dogwatch.store import channels
from dogwatch.store.deliveries import Delivery
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases import notices
from dogwatch.usecases.holding import send_at_once
from dogwatch.usecases.scene import Scene
from dogwatch.usecases.watches import find

MOST = 500


def rehearse(tx: Tx, workspace_id: int, name: str, at: datetime) -> Sequence[tuple[Delivery, str]]:
    """Send at once what a miss of a watch would; return the deliveries with their channels' names.

    It opens no incident, and neither delay nor quiet hours hold it. Invalid where nobody would be
    told.
    """
    watch = find(tx, workspace_id, name)
    wanted = Scene.of(tx, workspace_id, at).wanted(watch, Event.DOWN)
    told = [
        one
        for one in channels.listed(tx, workspace_id, MOST, "")
        if one.id in wanted and not one.disabled_reason
    ]
    if not told:
        raise invalid("item", "nobody would be told: no rule sends it to a channel that is on")
    ids = new_ids(at, len(told))
    made = [_delivery(watch, own, one.id, at) for own, one in zip(ids, told, strict=True)]
    send_at_once(tx, made, at)
    return [(own, one.name) for own, one in zip(made, told, strict=True)]


def _delivery(watch: Record, own_id: str, channel_id: str, at: datetime) -> Delivery:
    return Delivery(
        watch.workspace_id, own_id, None, None, channel_id, str(Event.TEST), _facts(watch, at), at
    )


def _facts(watch: Record, at: datetime) -> dict[str, Any]:
    """Return what the message says; without the watch's id it closes and opens nothing there."""
    message = notices.late_notice(watch, at)
    missed = {
        "event": str(Event.DOWN), "watch_id": "", "status": "down", "expected_at": None,
        "reason": "nothing heard by the deadline",
    }  # fmt: skip
    items = [item | missed for item in message["items"]]
    return message | {"key": "", "items": items, "rehearsal": True}
