"""Deliveries that are held, told together, or told of an incident."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, bindparam, func, null, or_, select, true, update

from dogwatch.core.decision import TOGETHER
from dogwatch.store.bulk import Bulk
from dogwatch.store.deliveries import Delivery
from dogwatch.store.tables import deliveries
from dogwatch.store.tx import Tx
from dogwatch.store.types import to_microseconds


@dataclass(frozen=True, slots=True)
class Brief:
    """A delivery without its message."""

    id: str
    flip_id: str | None
    watch_id: str | None
    channel_id: str
    event: str
    state: str
    reason: str
    hold: str | None
    rule_id: str | None
    incident_id: str | None


_BRIEF = tuple(deliveries.c[name] for name in Brief.__slots__)


def of_flips(tx: Tx, workspace_id: int, flip_ids: Collection[str]) -> dict[str, list[Brief]]:
    """Return what was made of these flips, by flip id."""
    found: dict[str, list[Brief]] = {}
    if flip_ids:
        given = {"workspace": workspace_id, "flips": list(flip_ids)}
        for row in tx.conn.execute(_OF_FLIPS, given):
            found.setdefault(row.flip_id, []).append(Brief(**row._mapping))
    return found


_OF_FLIPS = select(*_BRIEF).where(
    deliveries.c.workspace_id == bindparam("workspace"),
    deliveries.c.flip_id.in_(bindparam("flips", expanding=True)),
)


def waiting(tx: Tx, workspace_id: int, ids: Collection[str]) -> Sequence[Delivery]:
    """Return those of these deliveries that are held, oldest first."""
    found = select(deliveries).where(
        deliveries.c.workspace_id == workspace_id,
        deliveries.c.id.in_(ids),
        deliveries.c.hold.is_not(None),
    )
    return [Delivery(**row._mapping) for row in tx.conn.execute(found.order_by(deliveries.c.id))]


def ids_waiting(
    tx: Tx, workspace_id: int, hold: str, watch_ids: Collection[str] | None = None
) -> Sequence[str]:
    """Return what is held for a reason, of these watches if they are given."""
    found = select(deliveries.c.id).where(
        deliveries.c.workspace_id == workspace_id, deliveries.c.hold == hold
    )
    if watch_ids is not None:
        found = found.where(deliveries.c.watch_id.in_(watch_ids))
    return list(tx.conn.scalars(found))


def suppress(tx: Tx, workspace_id: int, reasons: Mapping[str, str], at: datetime) -> None:
    """Settle held deliveries that shall never be sent, each with its reason, by id."""
    rows = [
        {"workspace": workspace_id, "of": one, "why": why, "at": at}
        for one, why in sorted(reasons.items())
    ]
    if rows:
        tx.conn.execute(_SUPPRESS, rows)


_SUPPRESS = (
    update(deliveries)
    .where(
        deliveries.c.workspace_id == bindparam("workspace"),
        deliveries.c.id == bindparam("of"),
        deliveries.c.state == "held",
    )
    .values(state="suppressed", reason=bindparam("why"), settled_at=bindparam("at"), hold=None)
)


# --- told together -----------------------------------------------------------------------------


def together(
    tx: Tx, workspace_id: int, channel_id: str, hold: str, due_at: datetime | None
) -> Sequence[Brief]:
    """Return what is collected for a channel, oldest first; with a time, what is due by then."""
    found = select(*_BRIEF).where(_collected(workspace_id, channel_id, hold, due_at))
    rows = tx.conn.execute(found.order_by(deliveries.c.id))
    return [Brief(**row._mapping) for row in rows]


def bundle(tx: Tx, workspace_id: int, ids: Collection[str], carrier_id: str, at: datetime) -> None:
    """Have what was collected be told by the message of `carrier_id`."""
    _BUNDLE.run(tx, [(workspace_id, one, carrier_id, to_microseconds(at)) for one in ids])


_BUNDLE = Bulk(
    (deliveries.c.workspace_id, deliveries.c.id, deliveries.c.bundle_id, deliveries.c.due_at),
    lambda new: (
        update(deliveries)
        .where(deliveries.c.workspace_id == new["workspace_id"], deliveries.c.id == new["id"])
        .values(
            {name: new[name] for name in ("bundle_id", "due_at")}
            | {"state": "pending", "reason": "", "hold": null()}
        )
    ),
)


def _collected(
    workspace_id: int, channel_id: str, hold: str, due_at: datetime | None
) -> ColumnElement[bool]:
    return and_(
        deliveries.c.workspace_id == workspace_id,
        deliveries.c.hold == hold,
        deliveries.c.channel_id == channel_id,
        true() if due_at is None else deliveries.c.due_at <= due_at,
    )


def next_due_at(tx: Tx, workspace_id: int, channel_id: str, hold: str) -> datetime | None:
    """Return when the next of what is collected for a channel is due."""
    first: datetime | None = tx.conn.scalar(
        select(func.min(deliveries.c.due_at)).where(
            _collected(workspace_id, channel_id, hold, None)
        )
    )
    return first


def incidents_of_bundle(tx: Tx, workspace_id: int, carrier_id: str) -> Sequence[str]:
    """Return the incidents whose alerts the message of `carrier_id` tells of, if they opened."""
    found = select(deliveries.c.incident_id).where(
        deliveries.c.workspace_id == workspace_id,
        deliveries.c.bundle_id == carrier_id,
        deliveries.c.event == "down",
        deliveries.c.incident_id.is_not(None),
    )
    return sorted(set(tx.conn.scalars(found)))


def settle_bundles(tx: Tx, carriers: Sequence[Delivery]) -> None:
    """Write what became of messages to all that they told of."""
    rows = [
        {
            "workspace": one.workspace_id, "of": one.id, "to": one.state, "why": one.reason,
            "tries": one.attempts, "at": one.settled_at,
        }
        for one in carriers
    ]  # fmt: skip
    if rows:
        tx.conn.execute(_SETTLE, rows)


_SETTLE = (
    update(deliveries)
    .where(
        deliveries.c.workspace_id == bindparam("workspace"),
        deliveries.c.bundle_id == bindparam("of"),
    )
    .values(
        state=bindparam("to"),
        reason=bindparam("why"),
        attempts=bindparam("tries"),
        settled_at=bindparam("at"),
    )
)


# --- of incidents ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Telling:
    """What was told of an incident to one channel by one rule: when first, and when last."""

    rule_id: str
    channel_id: str
    first_at: datetime
    last_at: datetime


def tellings(tx: Tx, workspace_id: int, incident_id: str) -> Sequence[Telling]:
    """Return what was told of an incident, or is about to be."""
    times = func.min(deliveries.c.due_at), func.max(deliveries.c.due_at)
    found = (
        select(deliveries.c.rule_id, deliveries.c.channel_id, *times)
        .where(
            deliveries.c.workspace_id == workspace_id,
            deliveries.c.incident_id == incident_id,
            deliveries.c.rule_id.is_not(None),
            deliveries.c.event == "down",
            _LET_GO,
        )
        .group_by(deliveries.c.rule_id, deliveries.c.channel_id)
        .order_by(deliveries.c.rule_id, deliveries.c.channel_id)
    )
    return [Telling(*row) for row in tx.conn.execute(found)]


def said_again(tx: Tx, workspace_id: int, incident_id: str) -> frozenset[str]:
    """Return the channels that an incident was said to again, or as an escalation."""
    found = select(deliveries.c.channel_id).where(
        deliveries.c.workspace_id == workspace_id,
        deliveries.c.incident_id == incident_id,
        deliveries.c.flip_id.is_(None),
        deliveries.c.rule_id.is_not(None),  # what only carries alerts has none
        _LET_GO,
    )
    return frozenset(tx.conn.scalars(found.distinct()))


def of_incident(tx: Tx, workspace_id: int, incident_id: str, limit: int) -> Sequence[Delivery]:
    """Return deliveries about an incident, oldest first."""
    found = select(deliveries).where(
        deliveries.c.workspace_id == workspace_id, deliveries.c.incident_id == incident_id
    )
    rows = tx.conn.execute(found.order_by(deliveries.c.id).limit(limit))
    return [Delivery(**row._mapping) for row in rows]


def let_go(
    tx: Tx, workspace_id: int, incident_id: str, flip_ids: Collection[str]
) -> Sequence[Delivery]:
    """Return what was told, or is about to be, of these flips of an incident, oldest first."""
    found = select(deliveries).where(
        deliveries.c.workspace_id == workspace_id,
        deliveries.c.incident_id == incident_id,
        deliveries.c.flip_id.in_(flip_ids),
        _LET_GO,
    )
    return [Delivery(**row._mapping) for row in tx.conn.execute(found.order_by(deliveries.c.id))]


_LET_GO = or_(
    deliveries.c.state.in_(("pending", "sent", "failed")),
    deliveries.c.hold.in_(sorted(map(str, TOGETHER))),
)
