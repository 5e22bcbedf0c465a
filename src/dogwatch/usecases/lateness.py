"""Lateness: told where a rule asks for it, when a slot is due and nothing has been heard.

Each watch that such a rule is about has a timer, which no ping touches: it may go off early, and is
then set for what is owed by that time. It is never later than the next slot.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from dogwatch.core.alerts import Event, Rule
from dogwatch.core.slots import Gap, deadline
from dogwatch.core.watch import armed
from dogwatch.store import nodes, rules, timers, watches
from dogwatch.store.deliveries import Delivery
from dogwatch.store.timers import Timer
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases.holding import noticed, place
from dogwatch.usecases.notices import late_notice, still_late
from dogwatch.usecases.numbered import batches
from dogwatch.usecases.scene import Scene
from dogwatch.usecases.signals import GAPS_KEPT

# Silence shorter than this is the way of a ping, not lateness.
LEAST = timedelta(seconds=1)


def arm(tx: Tx, records: Sequence[Record], at: datetime) -> None:
    """Set the timers of watches of one workspace that were made or changed, if a rule asks for
    their lateness."""
    if records:
        asking = _asking(tx, records[0].workspace_id)
        _set(tx, [one for one in records if _covered(one, asking)], at)


def arm_all(tx: Tx, workspace_id: int, at: datetime) -> None:
    """Set the timers of all watches, once a rule that asks for lateness was made or changed."""
    asking = _asking(tx, workspace_id)
    for some in batches(tx, workspace_id) if asking else ():
        _set(tx, [one for one in some if _covered(one, asking)], at)


def _asking(tx: Tx, workspace_id: int) -> Sequence[Rule]:
    return [rule for rule in rules.of_workspace(tx, workspace_id) if rule.asks(Event.LATE)]


def _covered(record: Record, asking: Sequence[Rule]) -> bool:
    return any(rule.scope.covers(*record.traits) for rule in asking)


def _set(tx: Tx, records: Sequence[Record], at: datetime) -> None:
    due = [(record, _next_at(record, at)) for record in records]
    timers.arm(
        tx,
        [Timer(one.workspace_id, "late", one.id, next_at) for one, next_at in due if next_at],
    )


def _next_at(record: Record, at: datetime) -> datetime | None:
    """Return when the watch may next be late: never later than it can be."""
    owed_at = record.watch.slot_at
    if record.watch.job or record.watch.plan.schedule is None:
        return None
    if owed_at and armed(record.watch) and owed_at + LEAST > at:
        return owed_at + LEAST
    following = record.watch.plan.after(at)
    return following + LEAST if following else None


def look(tx: Tx, scene: Scene, due_at: Mapping[str, datetime]) -> None:
    """Tell of those watches that are late, and set the timers of all that a rule still names.

    `due_at`: when the timer of each watch, by id, was to go off; one that was set for later than
    the owed slot was set after that had been told.
    """
    found = watches.look(tx, scene.workspace_id, list(due_at))
    gaps = nodes.gaps(tx, scene.at - GAPS_KEPT)
    asked = {own_id: scene.wanted(one, Event.LATE) for own_id, one in found.items()}
    made = [
        new
        for own_id, wanted in asked.items()
        if wanted and _untold(found[own_id], due_at[own_id], gaps)
        for new in _notices(scene, found[own_id])
    ]
    place(tx, scene, made)
    _set(tx, [found[own_id] for own_id, wanted in asked.items() if wanted], scene.at)


def _untold(record: Record, due_at: datetime, gaps: Sequence[Gap]) -> bool:
    """Whether the owed slot was not told; none is where a gap of ours may have held the ping."""
    plan, slot_at = record.watch.plan, record.watch.slot_at
    if slot_at is None or due_at > slot_at + LEAST:
        return False
    return deadline(plan, slot_at, gaps) == deadline(plan, slot_at)


def _notices(scene: Scene, record: Record) -> list[Delivery]:
    slot_at = record.watch.slot_at
    if slot_at is None:
        return []
    message = late_notice(record, slot_at)
    if not still_late(message, record, scene.at):
        return []
    return list(noticed(scene, record, Event.LATE, message))
