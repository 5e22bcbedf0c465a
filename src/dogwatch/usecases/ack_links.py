"""Links that acknowledge: signed, of one delivery, good for a week and for one use.

A message that tells of several incidents acknowledges them all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from typing import Any

from dogwatch.core.alerts import Event
from dogwatch.core.plain import listed
from dogwatch.core.problems import Problem
from dogwatch.store import channels, deliveries, held, incidents, workspaces
from dogwatch.store.deliveries import Delivery
from dogwatch.store.incidents import Incident
from dogwatch.store.tx import Tx
from dogwatch.usecases.incidents import acknowledge, snooze
from dogwatch.usecases.ladder import MOST_NAMED
from dogwatch.vault import Vault

GOOD_FOR = timedelta(days=7)
_PURPOSE = "acknowledge"


@dataclass(frozen=True, slots=True)
class Offer:
    """What a link offers: its incidents, the channel it was sent to, and whether it was used.

    `about` names what its message told of: who holds the link knows that, and no more.
    """

    incidents: Sequence[Incident]
    about: str
    delivery_id: str
    channel: str
    used: bool


def code_of(delivery: Delivery, vault: Vault) -> str:
    """Return the code of the link in a message, empty where there is nothing to acknowledge.

    It is the same for every attempt to send the message.
    """
    bundle = delivery.flip_id is None and delivery.watch_id is None
    if delivery.event != Event.DOWN or not (delivery.incident_id or bundle):
        return ""
    until = int((delivery.created_at + GOOD_FOR).timestamp())
    words = f"{delivery.workspace_id}.{delivery.id}.{until}"
    return f"{words}.{_signature(words, vault)}"


def offer(tx: Tx, code: str, vault: Vault, at: datetime) -> Offer:
    """Return what a link offers, or raise not_found for one that is not ours or too old."""
    workspace_id, delivery_id = _named(code, vault, at)
    delivery = deliveries.by_id(tx, workspace_id, delivery_id)
    found = _incidents(tx, delivery) if delivery else []
    if delivery is None or not found:
        raise Problem("not_found", "what this link was about is gone")
    channel = channels.by_id(tx, delivery.workspace_id, delivery.channel_id)
    return Offer(
        found,
        _about(delivery.message),
        delivery.id,
        channel.name if channel else "",
        incidents.link_used(tx, delivery.workspace_id, delivery.id),
    )


def _about(message: Mapping[str, Any]) -> str:
    names = [item["name"] for item in message["items"]]
    return listed(names[:MOST_NAMED], len(names) + message["more"])


def _named(code: str, vault: Vault, at: datetime) -> tuple[int, str]:
    """Return the workspace and the delivery of a link that is ours and not too old."""
    words, _, signature = code.rpartition(".")
    if not compare_digest(signature.encode(), _signature(words, vault).encode()):
        raise Problem("not_found", "this link is not one of ours; copy all of it")
    workspace, delivery_id, until = words.split(".")
    if at >= datetime.fromtimestamp(int(until), UTC):
        raise Problem("not_found", "this link is too old; use a newer message")
    return int(workspace), delivery_id


def _incidents(tx: Tx, delivery: Delivery) -> list[Incident]:
    own = [delivery.incident_id] if delivery.incident_id else []
    ids = own or held.incidents_of_bundle(tx, delivery.workspace_id, delivery.id)
    found = (incidents.by_id(tx, delivery.workspace_id, one) for one in ids)
    return sorted((one for one in found if one), key=lambda one: one.number)


def use(
    tx: Tx, code: str, by: str, vault: Vault, at: datetime, snooze_s: int = 0
) -> Sequence[Incident]:
    """Acknowledge by a link, or snooze if a time is given; conflict where it was used or all of it
    is closed. Either uses it up."""
    workspace_id, _ = _named(code, vault, at)
    workspaces.get(tx, workspace_id, lock=True)  # another may use it at this moment
    found = offer(tx, code, vault, at)
    if found.used:
        raise Problem("conflict", "this link has been used")
    who = by.strip() or f"somebody by the link sent to {found.channel}"
    still = [one for one in found.incidents if not one.closed_at] or found.incidents
    link = found.delivery_id
    if snooze_s:
        return [snooze(tx, workspace_id, one.id, who, snooze_s, at, link) for one in still]
    return [acknowledge(tx, workspace_id, one.id, who, at, link) for one in still]


def _signature(words: str, vault: Vault) -> str:
    return vault.keyed_hash(words, _PURPOSE).hex()[:40]
