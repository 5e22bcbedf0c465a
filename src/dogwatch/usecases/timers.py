"""Timers that have gone off: one step decides what becomes of all that waited for its time."""

from collections.abc import Sequence
from datetime import datetime

from dogwatch.core.decision import Held
from dogwatch.store import timers, workspaces
from dogwatch.store.timers import Timer
from dogwatch.store.tx import Tx
from dogwatch.usecases import incidents, lateness
from dogwatch.usecases.holding import collect, reconsider
from dogwatch.usecases.scene import Scene

BATCH = 200
TOPIC = timers.TOPIC


def next_at(tx: Tx) -> datetime | None:
    """Return when the next timer goes off."""
    return timers.next_at(tx)


def step(tx: Tx, at: datetime, limit: int = BATCH) -> int:
    """Do what is due, all of it in this transaction; return how many timers went off.

    A workspace is locked before its timers are, as by whoever tells of flips.
    """
    owners = timers.owners(tx, at, limit)
    for workspace_id in owners:
        workspaces.get(tx, workspace_id, lock=True)
    due = timers.due(tx, owners, at, limit) if owners else []
    timers.drop(tx, [timer.id for timer in due])
    for workspace_id in owners:
        own = [timer for timer in due if timer.workspace_id == workspace_id]
        if own:
            _go_off(tx, Scene.of(tx, workspace_id, at), own)
    return len(due)


def _go_off(tx: Tx, scene: Scene, due: Sequence[Timer]) -> None:
    by_lane: dict[str, list[str]] = {}
    for timer in due:
        by_lane.setdefault(timer.lane, []).append(timer.ref_id)
    reconsider(tx, scene, by_lane.get("alert", []))
    for channel_id in by_lane.get("bundle", []):
        collect(tx, scene, channel_id, Held.GROUP)
    for channel_id in by_lane.get("digest", []):
        collect(tx, scene, channel_id, Held.DIGEST)
    for incident_id in by_lane.get("incident", []):
        incidents.follow_up(tx, scene, incident_id)
    lateness.look(tx, scene, by_lane.get("late", []))
