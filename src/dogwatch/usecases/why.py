"""Why: the evidence, the rule and the clock behind a watch's state and its last alert."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dogwatch.core.alerts import Event, event_of
from dogwatch.core.dialects import DIALECTS
from dogwatch.core.watch import phase
from dogwatch.core.why import Alert, State, alert_sentence, state_sentence
from dogwatch.store import aliases, channels, deliveries, flips, incidents, probes
from dogwatch.store.deliveries import Delivery
from dogwatch.store.flips import FlipRow
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases import lists, put_away
from dogwatch.usecases.lists import WatchView
from dogwatch.usecases.system import UNASKED
from dogwatch.usecases.watches import is_paused

# So many flips are looked at for one that people are told of.
FLIPS_SEEN = 10
_AGAIN = frozenset({"reminder", "escalation"})


@dataclass(frozen=True, slots=True)
class Why:
    """A watch with what explains it; `flip` is the last that people may be told of.

    Lateness that was told after it takes its place, and comes from no flip; reminders of it and
    escalations take the place of its alerts. `away` says that a dialect has deleted it, if one has;
    `incident` is the number of the one that is open for it.
    """

    view: WatchView
    state: State
    flip: FlipRow | None
    event: Event | None
    alerts: Sequence[tuple[Alert, Delivery]]
    away: str = ""
    incident: int | None = None

    @property
    def sentence(self) -> str:
        """Both in words."""
        told = alert_sentence(self.event, [alert for alert, _ in self.alerts])
        return " ".join(filter(None, [state_sentence(self.state), self.away, told]))


def why(tx: Tx, workspace_id: int, name: str, at: datetime) -> Why:
    """Return what explains the watch with this id or slug."""
    return of_view(tx, lists.watch(tx, workspace_id, name, at))


def of_view(tx: Tx, view: WatchView) -> Why:
    """Return what explains a watch at the time that it was looked at."""
    workspace_id, at = view.record.workspace_id, view.at
    seen = flips.listed(tx, workspace_id, FLIPS_SEEN, watch_id=view.record.id)
    told = next((one for one in seen if event_of(one.from_status, one.to_status)), None)
    event = event_of(told.from_status, told.to_status) if told else None
    found = _of_flip(tx, workspace_id, told.id) if told else []
    again = _again(tx, view.record, told, found) if told and event is Event.DOWN else []
    if again:
        found = [one for one, _ in again]
    if late := _of_lateness(tx, workspace_id, view.record.id, told):
        told, event, found = None, Event.LATE, late
    key, before_at = view.record.key, at - UNASKED
    unasked = probes.unasked_of(tx, key, before_at) if view.record.probe else ()
    alerts = _alerts(tx, workspace_id, found, {one.id: kind for one, kind in again})
    state = _state(view, seen, unasked)
    return Why(view, state, told, event, alerts, _away(tx, view.record), _incident(tx, view.record))


def _incident(tx: Tx, record: Record) -> int | None:
    own = incidents.going_on(tx, record.workspace_id, [record.id]).get(record.id)
    found = own and incidents.by_id(tx, record.workspace_id, own.incident_id)
    return found.number if found and found.closed_at is None else None


def _state(
    view: WatchView, seen: Sequence[FlipRow], unasked: Sequence[tuple[str, datetime]]
) -> State:
    watch = view.record.watch
    return State(
        phase=phase(watch, view.at),
        since_at=watch.since_at,
        reason=seen[0].reason if seen else "",
        heard_at=watch.heard_at,
        ok_at=watch.ok_at,
        due_at=view.next_due_at,
        deadline_at=view.deadline_at,
        failures=watch.failures,
        failures_before_down=watch.plan.failures_before_down,
        unasked=unasked,
        resumes_at=view.resumes_at,
    )


def _away(tx: Tx, record: Record) -> str:
    """Return through whom a watch was deleted that can still be had again; nothing for others."""
    known = aliases.of_watch(tx, record.workspace_id, record.id) if is_paused(record) else ()
    alias = next((one for one in known if put_away.is_away(one, record)), None)
    if alias is None or alias.deleted_at is None:
        return ""
    title, gone_at = DIALECTS[alias.dialect].title, alias.deleted_at + put_away.KEPT
    return (
        f"It was deleted through {title} and goes for good on {gone_at:%Y-%m-%d}; "
        "resuming brings it back."
    )


def _of_flip(tx: Tx, workspace_id: int, flip_id: str) -> Sequence[Delivery]:
    return deliveries.listed(tx, workspace_id, FLIPS_SEEN * 20, flip_id=flip_id)


def _again(
    tx: Tx, record: Record, flip: FlipRow, told: Sequence[Delivery]
) -> list[tuple[Delivery, str]]:
    """Return what was last said again of a fall since, each a reminder or an escalation."""
    workspace_id, shared = record.workspace_id, {one.incident_id for one in told}
    notes = [note for one in shared if one for note in incidents.notes(tx, workspace_id, one)]
    said = [note for note in notes if note.kind in _AGAIN and note.at > flip.at]
    last = sorted({note.at for note in said})[-FLIPS_SEEN:]
    kinds = {note.detail.rpartition(" ")[2]: note.kind for note in said if note.at in last}
    found = deliveries.by_ids(tx, [(workspace_id, own_id) for own_id in kinds])
    of_it = [one for one in found.values() if _tells_of(one, record.id)]
    last_at = max((one.created_at for one in of_it), default=None)
    return [(one, kinds[one.id]) for one in of_it if one.created_at == last_at]


def _tells_of(delivery: Delivery, watch_id: str) -> bool:
    message = delivery.message
    return bool(message["more"]) or watch_id in [one["watch_id"] for one in message["items"]]


def _of_lateness(
    tx: Tx, workspace_id: int, watch_id: str, flip: FlipRow | None
) -> Sequence[Delivery]:
    """Return what was last made of lateness, if that was after the flip."""
    late = {"watch_id": watch_id, "event": str(Event.LATE)}
    found = deliveries.listed(tx, workspace_id, FLIPS_SEEN * 20, **late)
    last_at = found[0].created_at if found else None
    if last_at is None or (flip and flip.at >= last_at):
        return []
    return [one for one in found if one.created_at == last_at]


def _alerts(
    tx: Tx, workspace_id: int, found: Sequence[Delivery], again: Mapping[str, str]
) -> list[tuple[Alert, Delivery]]:
    rows = channels.by_ids(tx, {(workspace_id, one.channel_id) for one in found})
    return [
        (
            Alert(
                rows[workspace_id, one.channel_id].name, one.state, one.reason, one.hold,
                one.due_at, one.attempts, again.get(one.id, ""),
            ),
            one,
        )
        for one in reversed(found)
    ]  # fmt: skip
