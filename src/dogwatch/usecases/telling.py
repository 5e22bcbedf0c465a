"""Telling people: deliveries that are on their way, claimed, sent, and what became of them."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from dogwatch.core.alerts import Attempt, Event, product_of, retry_after
from dogwatch.core.data import data, replace
from dogwatch.core.message import Message
from dogwatch.core.problems import Problem
from dogwatch.ids import new_id
from dogwatch.store import channels, deliveries, held, tasks, workspaces
from dogwatch.store.channels import ChannelRow
from dogwatch.store.deliveries import Delivery, Receipt
from dogwatch.store.tasks import Share, Task
from dogwatch.store.tx import Tx
from dogwatch.usecases import monitors, variables
from dogwatch.usecases.ack_links import code_of
from dogwatch.usecases.channels import channel_by_id, unsealed
from dogwatch.usecases.facts import aliased, message_of, test_facts, variables_of
from dogwatch.usecases.holding import LANE, send_at_once
from dogwatch.vault import Vault

MAX_REASON = 255


def test_channel(tx: Tx, workspace_id: int, channel_id: str, at: datetime) -> Delivery:
    """Queue a real test message to the channel."""
    channel_by_id(tx, workspace_id, channel_id)
    delivery = Delivery(
        workspace_id, new_id(at), None, None, channel_id, str(Event.TEST), test_facts(at), at
    )
    send_at_once(tx, [delivery], at)
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
    names = workspaces.names(tx, {task.workspace_id for task in taken})
    parcels, failed = [], []
    for task in taken:
        delivery = found.get((task.workspace_id, task.ref_id))
        channel = delivery and opened[task.workspace_id, delivery.channel_id]
        if delivery and channel and not channel.fault:
            code = code_of(delivery, vault)
            named = _variables(tx, delivery, vault)
            message = message_of(delivery, names[task.workspace_id], base_url, code, named)
            if dialect := product_of(channel.settings):
                message = aliased(tx, message, task.workspace_id, dialect)
                message = monitors.asked(tx, message, task.workspace_id, vault)
            parcels.append(Parcel(task, delivery, channel.row, channel.settings, message))
        elif delivery and channel:
            failed.append(replace(delivery, state="failed", reason=channel.fault, settled_at=at))
    _save(tx, failed)
    sent = {parcel.task.id for parcel in parcels}
    tasks.done_many(tx, [task for task in taken if task.id not in sent])
    return parcels


def _variables(tx: Tx, delivery: Delivery, vault: Vault) -> Mapping[str, str]:
    """Return the values of the variables that a delivery names; one that cannot be read is none."""
    found = {}
    for key in variables_of(delivery):
        with suppress(Problem):
            if (value := variables.value(tx, vault, delivery.workspace_id, key)) is not None:
                found[key] = value
    return found


@dataclass(frozen=True, slots=True)
class _Opened:
    """A channel with its settings decrypted, or why nothing can be sent to it."""

    row: ChannelRow
    settings: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""


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
    _save(tx, [one.settled(at) for one in ours])
    for one in ours:
        if one.sent.verdict == "disable":
            _switch_off(tx, one.parcel.channel, one.sent.detail)


def _save(tx: Tx, changed: Sequence[Delivery]) -> None:
    """Write deliveries; what one message told of shares its end."""
    deliveries.save_many(tx, changed)
    ended = [one for one in changed if one.flip_id is None and one.settled_at]
    held.settle_bundles(tx, ended)


def _switch_off(tx: Tx, channel: ChannelRow, answer: str) -> None:
    """Switch a channel off, unless its settings are others than those that the answer is to."""
    found = channels.by_id(tx, channel.workspace_id, channel.id)
    if found is None or found.sealed != channel.sealed:
        return
    reason = f"it answered: {answer}"[:MAX_REASON]
    channels.change(tx, channel.workspace_id, channel.id, disabled_reason=reason)


def give_back(tx: Tx, parcel: Parcel, at: datetime) -> bool:
    """Give an unfinished delivery back at shutdown; its attempt does not count."""
    return tasks.again(tx, parcel.task, at, attempt=parcel.task.attempt - 1)
