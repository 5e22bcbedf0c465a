"""Holding: deliveries sent on their way, held with a timer each, collected, and let go."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from dogwatch.core.alerts import Event
from dogwatch.core.data import replace
from dogwatch.core.decision import TOGETHER, Decision, Fate, Held, Hold, Send, Suppress
from dogwatch.ids import new_id, new_ids
from dogwatch.store import deliveries, held, incidents, tasks, timers, watches
from dogwatch.store.deliveries import Delivery
from dogwatch.store.held import Brief
from dogwatch.store.tasks import NewTask
from dogwatch.store.timers import Timer
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases import notices
from dogwatch.usecases.facts import down_beside
from dogwatch.usecases.scene import Matter, Scene

LANE = "delivery"
AT_ONCE = 500
# The lane of the timer behind each kind of hold; what has a delivery of its own is in `alert`.
_COLLECTED = {Held.GROUP: "bundle", Held.DIGEST: "digest"}

# What the status of a watch is while an event is true of it.
_TRUE_OF: Mapping[str, frozenset[str]] = {
    Event.DOWN: frozenset({"down"}),
    Event.DEGRADED: frozenset({"degraded"}),
    Event.RECOVERED: frozenset({"up", "degraded"}),
}


def place(tx: Tx, scene: Scene, made: Sequence[Delivery]) -> list[Delivery]:
    """Insert deliveries that have no ids yet, each on its way; return them with their ids."""
    ids = new_ids(scene.at, len(made))
    placed = [
        _grouped(replace(one, id=own_id), scene) for one, own_id in zip(made, ids, strict=True)
    ]
    deliveries.add_many(tx, placed)
    _start(tx, scene, placed)
    return placed


def send_at_once(tx: Tx, made: Sequence[Delivery], at: datetime) -> None:
    """Insert deliveries and have them sent; nothing holds or collects them."""
    deliveries.add_many(tx, made)
    tasks.add_many(tx, [_task(one, one.id, at) for one in made])


def ruled(delivery: Delivery, decision: Decision, at: datetime) -> Delivery:
    """Return a delivery as a decision leaves it."""
    match decision:
        case Send():
            return replace(delivery, state="pending", reason="", hold=None, due_at=at)
        case Hold(until_at, by, because):
            return replace(delivery, state="held", reason=because, hold=str(by), due_at=until_at)
        case Suppress(because):
            told = told_why(because, delivery.reason)
            return replace(delivery, state="suppressed", reason=told, hold=None, settled_at=at)


def told_why(because: str, held_because: str) -> str:
    """Return the reason of what is suppressed, with what it was held for until then."""
    return f"{because} (it was held: {held_because})" if held_because else because


def fate_of(state: str, hold: str | None) -> Fate:
    """Return what an alert came to, as far as the one that closes it is concerned."""
    if state == "suppressed":
        return Fate.SUPPRESSED
    return Fate.HELD if hold and hold not in TOGETHER else Fate.TOLD


def wake_held(
    tx: Tx, workspace_id: int, hold: Held, at: datetime, watch_ids: Collection[str] | None = None
) -> None:
    """Have what is held for a reason, of these watches if they are given, looked at now."""
    found = held.ids_waiting(tx, workspace_id, str(hold), watch_ids)
    timers.hasten(tx, workspace_id, found, at)


def _grouped(delivery: Delivery, scene: Scene) -> Delivery:
    """Return what would go now as collected, where its channel collects."""
    window_s = scene.group_windows_s.get(delivery.channel_id, 0)
    if delivery.state != "pending" or not window_s:
        return delivery
    due_at = scene.at + timedelta(seconds=window_s)
    because = "collected with what else happens now"
    return replace(delivery, state="held", reason=because, hold=str(Held.GROUP), due_at=due_at)


def _start(tx: Tx, scene: Scene, placed: Iterable[Delivery]) -> None:
    """Queue what goes now, and set the timers of what is held."""
    new, waits = [], []
    for one in placed:
        if one.state == "pending":
            new.append(_task(one, _ordering(one, scene), scene.at))
        elif one.hold and one.due_at:
            collected = _COLLECTED.get(Held(one.hold))
            ref_id = one.channel_id if collected else one.id
            waits.append(Timer(one.workspace_id, collected or "alert", ref_id, one.due_at))
    tasks.add_many(tx, new)
    timers.arm(tx, waits)


def _task(one: Delivery, ordering: str, at: datetime) -> NewTask:
    bulkhead = f"{one.workspace_id}:{one.channel_id}"
    return NewTask(one.workspace_id, LANE, one.id, bulkhead, at, ordering)


def _ordering(one: Delivery, scene: Scene) -> str:
    """Have it sent in the order of its watch, or of its channel if that collects."""
    of = "" if scene.group_windows_s.get(one.channel_id) else one.watch_id or one.id
    return f"{of}:{one.channel_id}"


def noticed(
    scene: Scene,
    record: Record,
    event: Event,
    message: dict[str, Any],
    told: Collection[str] | None = None,
) -> Iterator[Delivery]:
    """Yield a message that no flip brought for each channel that rules send it to, as they say.

    `told`: those that heard of what it ends, which alone are to hear of the end.
    """
    matter = Matter(record, event, scene.at)
    before = Fate.NONE if told is None else Fate.TOLD
    for channel_id, candidates in scene.wanted(record, notices.asked_for(event, message)).items():
        if told is not None and channel_id not in told:
            continue
        decision, rule = scene.decided(matter, candidates, before)
        new = Delivery(
            scene.workspace_id, "", None, record.id, channel_id, str(event), message, scene.at,
            rule_id=rule.id,
        )  # fmt: skip
        yield ruled(new, decision, scene.at)


# --- timers that have gone off -----------------------------------------------------------------


def reconsider(tx: Tx, scene: Scene, ids: Sequence[str]) -> None:
    """Decide anew on held deliveries."""
    found = held.waiting(tx, scene.workspace_id, ids)
    known = watches.look(tx, scene.workspace_id, {one.watch_id for one in found if one.watch_id})
    snoozed = incidents.snoozed(tx, scene.workspace_id, known, scene.at) if known else {}
    again = [
        _again(one, known[one.watch_id], scene, snoozed.get(one.watch_id))
        for one in found
        if one.watch_id in known
    ]
    deliveries.save_many(tx, again)
    _start(tx, scene, again)


def _again(
    delivery: Delivery, watch: Record, scene: Scene, snoozed_until_at: datetime | None
) -> Delivery:
    event = Event(delivery.event)
    wanted = scene.wanted(watch, notices.asked_for(event, delivery.message))
    candidates = wanted.get(delivery.channel_id, [])
    if not candidates:
        return ruled(delivery, Suppress("no rule sends it any more"), scene.at)
    gone = over(delivery, watch, scene.at)
    matter = Matter(watch, event, delivery.created_at, gone, snoozed_until_at)
    decision, rule = scene.decided(matter, candidates, Fate.TOLD)
    return _grouped(replace(ruled(delivery, decision, scene.at), rule_id=rule.id), scene)


def over(delivery: Delivery, watch: Record, at: datetime) -> str:
    """Return why what was held is no longer true, or nothing."""
    if delivery.message.get("unwatched"):
        return ""  # a location may be back by now; that it was not there is worth knowing
    status = str(watch.watch.status)
    if delivery.event == Event.LATE:
        return "" if notices.still_late(delivery.message, watch, at) else "it is no longer late"
    return "" if status in _TRUE_OF[delivery.event] else f"by now the watch is {status}"


def collect(tx: Tx, scene: Scene, channel_id: str, hold: Held) -> None:
    """Send what was collected for a channel: as one message, or as it is if it is alone.

    Where a message is about one watch, there is one for each.
    """
    until_at = scene.at if hold is Held.DIGEST else None
    parts = _parts(held.together(tx, scene.workspace_id, channel_id, str(hold), until_at))
    alone = []
    for told in [[part] for part in parts] if channel_id in scene.of_one else [parts]:
        match told:
            case [[one]]:
                alone.append(one.id)
            case [_, *_]:
                _bundle(tx, scene, channel_id, told)
    _let_go(tx, scene, alone)
    later_at = held.next_due_at(tx, scene.workspace_id, channel_id, str(hold))
    if later_at:
        timers.arm(tx, [Timer(scene.workspace_id, _COLLECTED[hold], channel_id, later_at)])


def _parts(found: Sequence[Brief]) -> list[list[Brief]]:
    """Return what there is to tell of each watch, oldest first.

    That a probe is unwatched has an end of its own; with a fall, lateness is told.
    """
    fallen = {one.watch_id for one in found if one.event == Event.DOWN}
    parts: dict[tuple[str, bool], list[Brief]] = {}
    for one in found:
        apart = _is_notice(one) and one.watch_id not in fallen
        parts.setdefault((one.watch_id or one.id, apart), []).append(one)
    return list(parts.values())


def _last(part: Sequence[Brief]) -> Brief:
    """Return what of a part is told: the last, of flips where there are any."""
    return ([one for one in part if not _is_notice(one)] or part)[-1]


def _is_notice(one: Brief) -> bool:
    return one.flip_id is None and one.event != Event.DOWN


def _let_go(tx: Tx, scene: Scene, ids: Sequence[str]) -> None:
    for first in range(0, len(ids), AT_ONCE):
        found = held.waiting(tx, scene.workspace_id, ids[first : first + AT_ONCE])
        going = [ruled(one, Send(), scene.at) for one in found]
        deliveries.save_many(tx, going)
        _start(tx, scene, going)


def _bundle(tx: Tx, scene: Scene, channel_id: str, parts: Sequence[Sequence[Brief]]) -> None:
    """Make the one message of many; its delivery belongs to no flip and no watch."""
    found = [one for part in parts for one in part]
    members = [_last(part) for part in parts]
    gravest = sorted(members, key=lambda one: (list(Event).index(Event(one.event)), one.id))
    named = held.waiting(tx, scene.workspace_id, [one.id for one in gravest[: notices.MOST_ITEMS]])
    incident_ids = {one.incident_id for one in found}
    incident_id = incident_ids.pop() if len(incident_ids) == 1 else None
    carrier = Delivery(
        workspace_id=scene.workspace_id,
        id=new_id(scene.at),
        flip_id=None,
        watch_id=None,
        channel_id=channel_id,
        event=gravest[0].event,
        message=notices.group_of(
            notices.changed(named, Counter(one.watch_id for one in found)),
            len(members),
            incident_id,
            down_beside(tx, scene.workspace_id, named, len(members)),
        ),
        created_at=scene.at,
        due_at=scene.at,
        incident_id=incident_id,
    )
    deliveries.add_many(tx, [carrier])
    held.bundle(tx, scene.workspace_id, [one.id for one in found], carrier.id, scene.at)
    _start(tx, scene, [carrier])
