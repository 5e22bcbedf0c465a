"""The ladder of an incident: what happened, step by step, with the answer to each message."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dogwatch.core.plain import listed
from dogwatch.store import channels, deliveries, flips, held, incidents, watches
from dogwatch.store.deliveries import Delivery, Receipt
from dogwatch.store.incidents import Incident, Member
from dogwatch.store.tx import Tx

MOST_MEMBERS = 200
MOST_DELIVERIES = 500
MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Step:
    """One fact: when, of what kind, and in words; of which watch, by which delivery.

    `watch` is its slug, `name` what people call it.
    """

    at: datetime
    kind: str
    text: str
    watch: str | None = None
    delivery_id: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class View:
    """An incident with how many watches belong to it and how many are still down.

    `names` are those of the first that went down, `watches` the slugs of some.
    """

    incident: Incident
    count: int
    going_on: int
    names: Sequence[str] = ()
    watches: Sequence[str] = ()

    @property
    def trouble(self) -> str:
        """What it is called, such as "Nightly is down" or "A, B, C and 47 more were down"."""
        if not self.names:
            return "What was down is gone"
        one, several = ("was", "were") if self.incident.closed_at else ("is", "are")
        return f"{listed(self.names, self.count)} {one if self.count == 1 else several} down"


def views(tx: Tx, workspace_id: int, found: Sequence[Incident]) -> list[View]:
    """Return incidents with their counts, and who began them."""
    ids = [one.id for one in found]
    counts = incidents.counts(tx, workspace_id, ids)
    first = incidents.first_members(tx, workspace_id, ids, MOST_NAMED)
    known = watches.look(tx, workspace_id, {own for some in first.values() for own in some})
    return [
        View(one, *counts.get(one.id, (0, 0)),
             names=[known[own].name for own in first.get(one.id, ()) if own in known])
        for one in found
    ]  # fmt: skip


def page(tx: Tx, workspace_id: int, limit: int, before: str, state: str) -> list[View]:
    """Return incidents newest first."""
    return views(tx, workspace_id, incidents.listed(tx, workspace_id, limit, before, state))


def ladder(tx: Tx, incident: Incident) -> tuple[View, list[Step]]:
    """Return an incident with its facts in the order of time."""
    workspace_id = incident.workspace_id
    (view,) = views(tx, workspace_id, [incident])
    members = incidents.members(tx, workspace_id, incident.id, MOST_MEMBERS)
    known = watches.look(tx, workspace_id, {one.watch_id for one in members})
    slugs = {own_id: record.slug for own_id, record in known.items()}
    names = {record.slug: record.name for record in known.values()}
    why = flips.reasons(tx, workspace_id, [one.flip_id for one in members])
    steps = [
        *(
            step
            for one in members
            for step in _member_steps(one, slugs.get(one.watch_id, ""), why.get(one.flip_id, ""))
        ),
        *_delivery_steps(tx, incident, slugs),
        *_note_steps(tx, incident),
    ]
    return replace(view, watches=sorted(set(slugs.values()))), sorted(
        (replace(step, name=names.get(step.watch or "")) for step in steps),
        key=lambda step: step.at,
    )


def _member_steps(one: Member, slug: str, why: str) -> Iterator[Step]:
    if one.expected_at:
        yield Step(one.expected_at, "late", "was due, and nothing was heard", slug)
    yield Step(one.began_at, "down", f"is down from here on{why and f': {why}'}", slug)
    if one.ended_at:
        yield Step(one.ended_at, "recovered", "is no longer down", slug)


def _delivery_steps(tx: Tx, incident: Incident, slugs: Mapping[str, str]) -> Iterator[Step]:
    workspace_id = incident.workspace_id
    found = held.of_incident(tx, workspace_id, incident.id, MOST_DELIVERIES)
    rows = channels.by_ids(tx, {(workspace_id, one.channel_id) for one in found})
    ids = {one.bundle_id or one.id for one in found}
    receipts = deliveries.last_receipts(tx, workspace_id, ids)
    for one in _messages(found):
        name = rows[workspace_id, one.channel_id].name
        receipt = receipts.get(one.bundle_id or one.id)
        at = receipt.at if receipt else one.settled_at or one.created_at
        text = _told(one, name, receipt)
        slug = slugs.get(one.watch_id or "")
        yield Step(at, f"alert {one.state}", text, slug, one.bundle_id or one.id)


def _messages(found: Sequence[Delivery]) -> Iterator[Delivery]:
    """Yield what stands for each message: of one that told of other incidents, too, its first."""
    seen = {one.id for one in found}
    for one in found:
        if one.bundle_id is None:
            yield one
        elif one.bundle_id not in seen:
            seen.add(one.bundle_id)
            yield one


def _told(one: Delivery, channel: str, receipt: Receipt | None) -> str:
    answer = f": {receipt.detail} in {receipt.duration_ms} ms" if receipt else ""
    reason = f": {one.reason}" if one.reason and not receipt else ""
    shared = ", with other incidents" if one.bundle_id else ""
    return f"{one.event} to {channel}{shared}{answer or reason}"


def _note_steps(tx: Tx, incident: Incident) -> Iterator[Step]:
    for note in incidents.notes(tx, incident.workspace_id, incident.id):
        detail = f" {note.detail}" if note.detail else ""
        if note.kind != "closed":  # told below
            yield Step(note.at, note.kind, f"by {note.by}{detail}")
    if incident.closed_at:
        yield Step(incident.closed_at, "closed", ended(incident.closed_by or ""))


def ended(closed_by: str) -> str:
    """Return how an incident ended, after the word closed."""
    told = {
        "recovery": "all that was down has recovered",
        "pause": "what was still down was paused",
        "removal of a watch": "what was still down was removed",
    }
    return told.get(closed_by, f"by {closed_by}, by hand")
