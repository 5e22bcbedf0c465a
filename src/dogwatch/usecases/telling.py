"""Telling people: deliveries made by flips, claimed, sent, and what became of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from dogwatch.core.alerts import Attempt, Event, Message, Rule, event_of, matches, retry_after, tail
from dogwatch.core.problems import Problem
from dogwatch.core.watch import Watch
from dogwatch.ids import new_id, new_ids
from dogwatch.store import channels, deliveries, keys, runs, tasks
from dogwatch.store.channels import ChannelRow
from dogwatch.store.deliveries import Delivery, Receipt
from dogwatch.store.flips import FlipRow
from dogwatch.store.tasks import NewTask, Share, Task
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases.channels import channel_by_id, unsealed
from dogwatch.vault import Vault

LANE = "delivery"
# The last chunks of an output; a message carries a few lines of them.
CHUNKS = 20
MAX_REASON = 255


@dataclass(frozen=True, slots=True)
class Turn:
    """A flip of a watch, before and after it, with the run or the words that brought it about."""

    flip: FlipRow
    record: Record
    before: Watch
    after: Watch
    run_id: str | None
    body: str


def tell(tx: Tx, turns: Sequence[Turn], at: datetime) -> None:
    """Make a delivery for every flip and every channel that a rule sends it to."""
    rules: dict[int, Sequence[Rule]] = {}
    made: list[Delivery] = []
    for turn in turns:
        workspace_id = turn.flip.workspace_id
        if workspace_id not in rules:
            rules[workspace_id] = channels.rules_of(tx, workspace_id)
        made += _deliveries(tx, turn, rules[workspace_id], at)
    ids = new_ids(at, len(made))
    _send(tx, [replace(one, id=own_id) for one, own_id in zip(made, ids, strict=True)], at)


def _deliveries(tx: Tx, turn: Turn, rules: Sequence[Rule], at: datetime) -> list[Delivery]:
    event = event_of(turn.flip.from_status, turn.flip.to_status)
    if event is None:
        return []
    watch = turn.record
    wanted = dict.fromkeys(
        rule.channel_id
        for rule in rules
        if matches(rule, event, watch.id, watch.tags, watch.project)
    )
    if not wanted:
        return []
    facts = _facts(tx, turn)
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


def _facts(tx: Tx, turn: Turn) -> dict[str, Any]:
    """Return what the message says, as it is at the flip: a JSON object."""
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


def test_channel(tx: Tx, workspace_id: int, channel_id: str, at: datetime) -> Delivery:
    """Queue a real test message to the channel."""
    channel_by_id(tx, workspace_id, channel_id)
    facts: dict[str, Any] = {
        "watch_id": "", "slug": "", "name": "Test message", "tags": [], "status": "up",
        "previous_status": "up", "since_at": at.isoformat(), "expected_at": None,
        "reason": "sent by hand to try the channel", "last_ok_at": None, "duration_ms": None,
        "down_for_s": None, "output_tail": "", "timezone": "UTC",
    }  # fmt: skip
    delivery = Delivery(
        workspace_id, new_id(at), None, None, channel_id, str(Event.TEST), "pending", "",
        facts, 0, at,
    )  # fmt: skip
    _send(tx, [delivery], at)
    return delivery


# --- sending ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parcel:
    """A claimed delivery with all that a channel needs to send it."""

    task: Task
    delivery: Delivery
    channel: ChannelRow
    settings: Mapping[str, Any]
    message: Message


@dataclass(frozen=True, slots=True)
class Room:
    """What the courier has room for: sends in all, per endpoint, per workspace; what is going."""

    limit: int
    per_endpoint: int
    per_workspace: int | None = None
    endpoints: Mapping[str, int] = field(default_factory=dict)
    workspaces: Mapping[int, int] = field(default_factory=dict)


def claim(
    tx: Tx, node_id: str, at: datetime, room: Room, vault: Vault, base_url: str
) -> Sequence[Parcel]:
    """Take deliveries that are due; those whose channel is off or gone are settled at once."""
    taken = tasks.claim(
        tx, LANE, node_id, at, room.limit,
        per_bulkhead=Share(room.per_endpoint, room.endpoints),
        per_workspace=Share(room.per_workspace or room.limit, room.workspaces),
    )  # fmt: skip
    parcels = []
    for task in taken:
        parcel = _parcel(tx, task, vault, base_url, at)
        if parcel:
            parcels.append(parcel)
    return parcels


def _parcel(tx: Tx, task: Task, vault: Vault, base_url: str, at: datetime) -> Parcel | None:
    delivery = deliveries.by_id(tx, task.workspace_id, task.ref_id)
    channel = delivery and channels.by_id(tx, task.workspace_id, delivery.channel_id)
    if not delivery or not channel:
        tasks.done(tx, task)
        return None
    try:
        settings = _usable(vault, channel)
    except Problem as problem:  # one that cannot be sent must not hold up the others
        tasks.done(tx, task)
        _settle(tx, delivery, "failed", problem.message, at)
        return None
    workspace = keys.workspace(tx, task.workspace_id)
    message = _message(delivery, workspace.name if workspace else "", base_url)
    return Parcel(task, delivery, channel, settings, message)


def _usable(vault: Vault, channel: ChannelRow) -> dict[str, Any]:
    if channel.disabled_reason:
        raise Problem("refused", f"channel is off: {channel.disabled_reason}")
    return unsealed(vault, channel)


def _message(delivery: Delivery, workspace: str, base_url: str) -> Message:
    facts = dict(delivery.message)
    for name in ("since_at", "expected_at", "last_ok_at"):
        facts[name] = datetime.fromisoformat(facts[name]) if facts[name] else None
    facts["tags"] = tuple(facts["tags"])
    return Message(
        delivery_id=delivery.id,
        event=Event(delivery.event),
        workspace=workspace,
        url=f"{base_url}/i/{facts['slug']}" if facts["slug"] else base_url,
        **facts,
    )


def settle(tx: Tx, parcel: Parcel, sent: Attempt, at: datetime, jitter: float) -> None:
    """Write the receipt; then the delivery is sent, failed, or due again later."""
    task, delivery = parcel.task, parcel.delivery
    receipt = Receipt(
        task.attempt, at, str(sent.verdict), sent.status_code, sent.detail, sent.duration_ms
    )
    wait_s = retry_after(task.attempt, jitter, sent.retry_after_s)
    if sent.verdict == "retry" and wait_s is not None:
        if tasks.again(tx, task, at + timedelta(seconds=wait_s)):
            deliveries.add_receipt(tx, task.workspace_id, delivery.id, receipt)
            deliveries.change(tx, task.workspace_id, delivery.id, attempts=task.attempt)
        return
    if not tasks.done(tx, task):
        return
    deliveries.add_receipt(tx, task.workspace_id, delivery.id, receipt)
    state = "sent" if sent.verdict == "sent" else "failed"
    _settle(tx, replace(delivery, attempts=task.attempt), state, sent.detail, at)
    if sent.verdict == "disable":
        channels.change(
            tx,
            task.workspace_id,
            parcel.channel.id,
            disabled_reason=f"it answered: {sent.detail}"[:MAX_REASON],
        )


def give_back(tx: Tx, parcel: Parcel, at: datetime) -> bool:
    """Give an unfinished delivery back at shutdown; its attempt does not count."""
    return tasks.again(tx, parcel.task, at, attempt=parcel.task.attempt - 1)


def _settle(tx: Tx, delivery: Delivery, state: str, reason: str, at: datetime) -> None:
    deliveries.change(
        tx,
        delivery.workspace_id,
        delivery.id,
        state=state,
        reason=reason,
        attempts=delivery.attempts,
        settled_at=at,
    )
