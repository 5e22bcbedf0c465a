"""Telling people: deliveries made by flips, claimed, sent, and what became of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from dogwatch.core.alerts import Attempt, Event, Rule, event_of, matches, retry_after
from dogwatch.core.data import data
from dogwatch.core.message import Message
from dogwatch.core.problems import Problem
from dogwatch.ids import new_id, new_ids
from dogwatch.store import channels, deliveries, tasks, workspaces
from dogwatch.store.channels import ChannelRow
from dogwatch.store.deliveries import Delivery, Receipt
from dogwatch.store.flips import FlipRow
from dogwatch.store.tasks import NewTask, Share, Task
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Down, Record
from dogwatch.usecases.channels import channel_by_id, unsealed
from dogwatch.usecases.facts import Turn, aliased, down_in, facts_of, message_of, test_facts
from dogwatch.vault import Vault

LANE = "delivery"
MAX_REASON = 255


def tell(tx: Tx, turns: Sequence[Turn], at: datetime) -> None:
    """Make a delivery for every flip and every channel that a rule sends it to."""
    places: dict[int, _Place] = {}
    made: list[Delivery] = []
    for turn in turns:
        workspace_id = turn.flip.workspace_id
        if workspace_id not in places:
            places[workspace_id] = _place(tx, workspace_id)
        made += _deliveries(tx, turn, places[workspace_id], at)
    ids = new_ids(at, len(made))
    _send(tx, [replace(one, id=own_id) for one, own_id in zip(made, ids, strict=True)], at)


# The rules by what they name, (kind, value): thousands of rules are not tried on every flip.
_Rules = Mapping[tuple[str, str | None], Sequence[Rule]]


@dataclass(frozen=True, slots=True)
class _Place:
    """What all flips of a workspace have in common."""

    rules: _Rules
    down: Down


def _place(tx: Tx, workspace_id: int) -> _Place:
    rules = _by_scope(channels.rules_of(tx, workspace_id))
    return _Place(rules, down_in(tx, workspace_id) if rules else Down())


def _by_scope(rules: Sequence[Rule]) -> _Rules:
    found: dict[tuple[str, str | None], list[Rule]] = {}
    for rule in rules:
        for value in rule.scope.values if rule.scope.kind != "all" else [None]:
            found.setdefault((rule.scope.kind, value), []).append(rule)
    return found


def _naming(rules: _Rules, watch: Record) -> list[Rule]:
    tags = [("tags", tag) for tag in watch.tags]
    named = [("all", None), *tags, ("project", watch.project), ("watches", watch.id)]
    return [rule for name in named for rule in rules.get(name, ())]


def _deliveries(tx: Tx, turn: Turn, place: _Place, at: datetime) -> list[Delivery]:
    event = event_of(turn.flip.from_status, turn.flip.to_status)
    if event is None:
        return []
    watch = turn.record
    wanted = dict.fromkeys(
        rule.channel_id
        for rule in _naming(place.rules, watch)
        if matches(rule, event, watch.id, watch.tags, watch.project)
    )
    if not wanted:
        return []
    facts = facts_of(tx, turn, event, place.down)
    return [_delivery(turn.flip, event, channel_id, facts, at) for channel_id in wanted]


def _delivery(
    flip: FlipRow, event: Event, channel_id: str, facts: dict[str, Any], at: datetime
) -> Delivery:
    return Delivery(
        workspace_id=flip.workspace_id,
        id="",
        flip_id=flip.id,
        watch_id=flip.watch_id,
        channel_id=channel_id,
        event=str(event),
        state="pending",
        reason="",
        message=facts,
        attempts=0,
        created_at=at,
    )


def _send(tx: Tx, made: Sequence[Delivery], at: datetime) -> None:
    deliveries.add_many(tx, made)
    new = [
        NewTask(
            delivery.workspace_id,
            LANE,
            delivery.id,
            f"{delivery.workspace_id}:{delivery.channel_id}",
            at,
            f"{delivery.watch_id or delivery.id}:{delivery.channel_id}",
        )
        for delivery in made
    ]
    tasks.add_many(tx, new)


def test_channel(tx: Tx, workspace_id: int, channel_id: str, at: datetime) -> Delivery:
    """Queue a real test message to the channel."""
    channel_by_id(tx, workspace_id, channel_id)
    delivery = Delivery(
        workspace_id, new_id(at), None, None, channel_id, str(Event.TEST), "pending", "",
        test_facts(at), 0, at,
    )  # fmt: skip
    _send(tx, [delivery], at)
    return delivery


# --- sending ----------------------------------------------------------------------------------


@data()
class Parcel:
    """A claimed delivery with all that a channel needs to send it."""

    task: Task
    delivery: Delivery
    channel: ChannelRow
    settings: Mapping[str, Any]
    message: Message


@dataclass(frozen=True, slots=True)
class Room:
    """What the courier has room for: sends in all, per endpoint, per workspace; what is going.

    `windows` holds the endpoints that may have another number of sends than the others.
    """

    limit: int
    per_endpoint: int
    per_workspace: int | None = None
    endpoints: Mapping[str, int] = field(default_factory=dict)
    workspaces: Mapping[int, int] = field(default_factory=dict)
    windows: Mapping[str, int] = field(default_factory=dict)


@data()
class Answered:
    """What an attempt to send a parcel came to; `jitter` (0..1) spreads the next one."""

    parcel: Parcel
    sent: Attempt
    jitter: float

    def receipt(self, at: datetime) -> Receipt:
        """Return the receipt of the attempt."""
        sent = self.sent
        attempt = self.parcel.task.attempt
        return Receipt(
            attempt, at, str(sent.verdict), sent.status_code, sent.detail, sent.duration_ms
        )

    def again_at(self, at: datetime) -> datetime | None:
        """Return when the next attempt is due, None when there is none."""
        if self.sent.verdict != "retry":
            return None
        wait_s = retry_after(self.parcel.task.attempt, self.jitter, self.sent.retry_after_s)
        return None if wait_s is None else at + timedelta(seconds=wait_s)

    def settled(self, at: datetime) -> Delivery:
        """Return the delivery afterwards."""
        delivery = replace(self.parcel.delivery, attempts=self.parcel.task.attempt)
        if self.again_at(at):
            return delivery
        state = "sent" if self.sent.verdict == "sent" else "failed"
        return replace(delivery, state=state, reason=self.sent.detail, settled_at=at)


def claim(
    tx: Tx, node_id: str, at: datetime, room: Room, vault: Vault, base_url: str
) -> Sequence[Parcel]:
    """Take deliveries that are due; those whose channel is off or gone are settled at once."""
    taken = tasks.claim_shared(
        tx, LANE, node_id, at, room.limit,
        per_bulkhead=Share(room.per_endpoint, room.endpoints, room.windows),
        per_workspace=Share(room.per_workspace or room.limit, room.workspaces),
    )  # fmt: skip
    found = deliveries.by_ids(tx, [(task.workspace_id, task.ref_id) for task in taken])
    opened = _opened(tx, found.values(), vault)
    names = _names(tx, {task.workspace_id for task in taken})
    parcels, failed = [], []
    for task in taken:
        delivery = found.get((task.workspace_id, task.ref_id))
        channel = delivery and opened[task.workspace_id, delivery.channel_id]
        if delivery and channel and not channel.fault:
            message = message_of(delivery, names[task.workspace_id], base_url)
            if dialect := _dialect(channel.settings):
                message = aliased(tx, message, task.workspace_id, dialect)
            parcels.append(Parcel(task, delivery, channel.row, channel.settings, message))
        elif delivery and channel:
            failed.append(replace(delivery, state="failed", reason=channel.fault, settled_at=at))
    deliveries.save_many(tx, failed)
    sent = {parcel.task.id for parcel in parcels}
    tasks.done_many(tx, [task for task in taken if task.id not in sent])
    return parcels


@dataclass(frozen=True, slots=True)
class _Opened:
    """A channel with its settings decrypted, or why nothing can be sent to it."""

    row: ChannelRow
    settings: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""


def _dialect(settings: Mapping[str, Any]) -> str:
    """Return the product whose words a webhook uses, "" for our own."""
    form = str(settings.get("format", "standard"))
    return "" if form == "standard" else form


def _opened(tx: Tx, due: Collection[Delivery], vault: Vault) -> dict[tuple[int, str], _Opened]:
    """Return the channels of deliveries by (workspace id, id)."""
    rows = channels.by_ids(tx, {(one.workspace_id, one.channel_id) for one in due})
    return {key: _open(vault, row) for key, row in rows.items()}


def _open(vault: Vault, row: ChannelRow) -> _Opened:
    if row.disabled_reason:
        return _Opened(row, fault=f"channel is off: {row.disabled_reason}")
    try:
        return _Opened(row, unsealed(vault, row))
    except Problem as problem:  # one that cannot be sent must not hold up the others
        return _Opened(row, fault=problem.message)


def _names(tx: Tx, workspace_ids: Collection[int]) -> dict[int, str]:
    found = {own_id: workspaces.get(tx, own_id) for own_id in workspace_ids}
    return {own_id: workspace.name if workspace else "" for own_id, workspace in found.items()}


def settle(tx: Tx, answered: Sequence[Answered], at: datetime) -> None:
    """Write the receipts; then each delivery is sent, failed, or due again later.

    A delivery that is no longer this node's attempt is left alone.
    """
    held = tasks.done_many(tx, [one.parcel.task for one in answered if not one.again_at(at)])
    for one in answered:
        again_at = one.again_at(at)
        if again_at and tasks.again(tx, one.parcel.task, again_at):
            held.add(one.parcel.task.id)
    ours = [one for one in answered if one.parcel.task.id in held]
    deliveries.add_receipts(tx, [(one.parcel.delivery, one.receipt(at)) for one in ours])
    deliveries.save_many(tx, [one.settled(at) for one in ours])
    for one in ours:
        if one.sent.verdict == "disable":
            _switch_off(tx, one.parcel.channel, one.sent.detail)


def _switch_off(tx: Tx, channel: ChannelRow, answer: str) -> None:
    reason = f"it answered: {answer}"[:MAX_REASON]
    channels.change(tx, channel.workspace_id, channel.id, disabled_reason=reason)


def give_back(tx: Tx, parcel: Parcel, at: datetime) -> bool:
    """Give an unfinished delivery back at shutdown; its attempt does not count."""
    return tasks.again(tx, parcel.task, at, attempt=parcel.task.attempt - 1)
