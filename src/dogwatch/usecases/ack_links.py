"""Links that acknowledge an incident: signed, of one delivery, good for a week and for one use."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hmac import compare_digest

from dogwatch.core.alerts import Event
from dogwatch.core.problems import Problem
from dogwatch.store import channels, deliveries, incidents
from dogwatch.store.deliveries import Delivery
from dogwatch.store.incidents import Incident
from dogwatch.store.tx import Tx
from dogwatch.usecases.incidents import acknowledge, find
from dogwatch.vault import Vault

GOOD_FOR = timedelta(days=7)
_PURPOSE = "acknowledge"


@dataclass(frozen=True, slots=True)
class Offer:
    """What a link offers: its incident, the channel it was sent to, and whether it was used."""

    incident: Incident
    delivery_id: str
    channel: str
    used: bool


def code_of(delivery: Delivery, vault: Vault) -> str:
    """Return the code of the link in a message, empty where there is nothing to acknowledge.

    It is the same for every attempt to send the message.
    """
    if delivery.incident_id is None or delivery.event != Event.DOWN:
        return ""
    until = int((delivery.created_at + GOOD_FOR).timestamp())
    words = f"{delivery.workspace_id}.{delivery.id}.{until}"
    return f"{words}.{_signature(words, vault)}"


def offer(tx: Tx, code: str, vault: Vault, at: datetime) -> Offer:
    """Return what a link offers, or raise not_found for one that is not ours or too old."""
    words, _, signature = code.rpartition(".")
    if not compare_digest(signature.encode(), _signature(words, vault).encode()):
        raise Problem("not_found", "this link is not one of ours; copy all of it")
    workspace, delivery_id, until = words.split(".")
    if at >= datetime.fromtimestamp(int(until), UTC):
        raise Problem("not_found", "this link is too old; use a newer message")
    delivery = deliveries.by_id(tx, int(workspace), delivery_id)
    if delivery is None or delivery.incident_id is None:
        raise Problem("not_found", "what this link was about is gone")
    channel = channels.by_id(tx, delivery.workspace_id, delivery.channel_id)
    return Offer(
        find(tx, delivery.workspace_id, delivery.incident_id),
        delivery.id,
        channel.name if channel else "",
        incidents.link_used(tx, delivery.workspace_id, delivery.id),
    )


def use(tx: Tx, code: str, by: str, vault: Vault, at: datetime) -> Incident:
    """Acknowledge by a link, once; conflict where it was used or the incident is closed."""
    found = offer(tx, code, vault, at)
    if found.used:
        raise Problem("conflict", "this link has been used")
    who = by.strip() or f"somebody by the link sent to {found.channel}"
    incident = found.incident
    return acknowledge(tx, incident.workspace_id, incident.id, who, at, found.delivery_id)


def _signature(words: str, vault: Vault) -> str:
    return vault.keyed_hash(words, _PURPOSE).hex()[:40]
