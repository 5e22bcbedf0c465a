"""The facts of a flip: gathered in the flip's own transaction, stored with each delivery."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import Any

from dogwatch.core.alerts import Event
from dogwatch.core.data import data
from dogwatch.core.message import MOST_ALSO_DOWN, MOST_ITEMS, Alias, Item, Message, Note, tail
from dogwatch.core.template import Part, join, keys_in
from dogwatch.core.watch import Watch
from dogwatch.store import aliases as store_aliases
from dogwatch.store import runs, watches
from dogwatch.store.deliveries import Delivery
from dogwatch.store.flips import FlipRow
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Down, Fallen, Record
from dogwatch.usecases import aliases

# The last chunks of an output; a message carries a few lines of them.
CHUNKS = 20
ABOUT = 500
_NONE: Mapping[str, str] = {}
_TIMES = ("since_at", "expected_at", "last_ok_at")


@data()
class Turn:
    """A flip of a watch, before and after it, with the run or the words that brought it about, how
    long that took and what it answered."""

    flip: FlipRow
    record: Record
    before: Watch
    after: Watch
    run_id: str | None
    duration_ms: int | None
    body: str
    status_code: int | None = None


def facts_of(tx: Tx, turn: Turn, event: Event, down: Down) -> dict[str, Any]:
    """Return what the message of one flip says, as it is at the flip: a JSON object."""
    own = turn.record.id
    others = [one for one in down.named if one.id != own][:MOST_ALSO_DOWN]
    # A watch that went down and up in one batch is not among them any more.
    count = max(len(others), down.count - (turn.flip.to_status == "down"))
    items = [item_of(tx, turn, event)]
    return {"key": own, "items": items, "more": 0, **beside(others, count, turn.record.tags)}


def beside(others: Sequence[Fallen], count: int, tags: Sequence[str]) -> dict[str, Any]:
    """Return what a message says of `count` others that are down; some are given.

    Since when, and which of `tags` they share, is known where all of them are.
    """
    told = {"also_down": [one.name for one in others], "also_down_count": count}
    if not others or len(others) < count:
        return told
    since = [one.since_at for one in others if one.since_at]
    shared = [tag for tag in tags if all(tag in one.tags for one in others)]
    return told | {
        "also_down_since_at": min(since).isoformat() if since else None,
        "also_down_tags": shared,
    }


def down_in(tx: Tx, workspace_id: int) -> Down:
    """Return which watches of a workspace are down; one name more than a message tells."""
    return watches.down(tx, workspace_id, MOST_ALSO_DOWN + 1)


def item_of(tx: Tx, turn: Turn, event: Event) -> dict[str, Any]:
    """Return the facts of the watch."""
    flip, record, before = turn.flip, turn.record, turn.before
    down_for_s = (flip.at - before.since_at).total_seconds() if before.since_at else 0.0
    recovered = flip.to_status in {"up", "degraded"} and flip.from_status in {"down", "degraded"}
    expected_at = before.slot_at if before.slot_at and before.slot_at <= flip.at else None
    plan = before.plan
    return {
        **named(record),
        "event": str(event),
        "status": str(flip.to_status),
        "previous_status": str(flip.from_status),
        "since_at": flip.at.isoformat(),
        "expected_at": expected_at and expected_at.isoformat(),
        "reason": flip.reason,
        "last_ok_at": before.ok_at and before.ok_at.isoformat(),
        "last_ok_ms": before.duration_ms if before.ok_at else None,
        "about": about(record),
        "duration_ms": turn.duration_ms,
        "status_code": turn.status_code,
        "down_for_s": max(down_for_s, 0.0) if recovered else None,
        "output_tail": tail(_output(tx, turn)),
        "schedule": record.schedule,
        "grace_s": plan.start_by_s,
        "slow_after_ms": plan.slow_after_ms,
    }


def named(record: Record) -> dict[str, Any]:
    """Return what each message says of a watch, whatever it tells."""
    return {
        "watch_id": record.id,
        "slug": record.slug,
        "name": record.name,
        "kind": record.kind,
        "tags": list(record.tags),
        "timezone": record.timezone,
    }


def alone(key: str, item: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message about one watch, which says nothing of others."""
    return {"key": key, "items": [item], "more": 0, "also_down": [], "also_down_count": 0}


def about(record: Record) -> str:
    """Return the first line of what people wrote of a watch, such as where its runbook is."""
    return next((line for line in record.description.splitlines() if line.strip()), "")[:ABOUT]


def _output(tx: Tx, turn: Turn) -> str:
    if not turn.before.job or turn.run_id is None:
        return turn.body
    return runs.output_tail(tx, turn.flip.workspace_id, turn.run_id, CHUNKS)


def test_facts(at: datetime) -> dict[str, Any]:
    """Return what a test message says."""
    item = {
        "event": str(Event.TEST), "watch_id": "", "slug": "", "name": "Test message",
        "status": "up", "previous_status": "up", "since_at": at.isoformat(),
        "reason": "sent by hand to try the channel",
    }  # fmt: skip
    return alone("", item)


def down_beside(tx: Tx, workspace_id: int, named: Collection[Delivery], count: int) -> Down:
    """Return what is down besides the members of a message; where it counts some, nothing."""
    if not 1 < count <= MOST_ITEMS:
        return Down()
    members = {one.watch_id for one in named if one.watch_id}
    return watches.down(tx, workspace_id, MOST_ALSO_DOWN, members)


def message_of(
    delivery: Delivery,
    workspace: str,
    base_url: str,
    ack_code: str = "",
    variables: Mapping[str, str] = _NONE,
) -> Message:
    """Return the message of a delivery; `ack_code` is of the link that acknowledges it.

    `variables` are those that its note names.
    """
    facts = _grouped(delivery)
    home = f"{base_url.rstrip('/')}/w/{delivery.workspace_id}"
    several = len(facts["items"]) + facts["more"] > 1
    own = f"/{delivery.incident_id}" if delivery.incident_id else ""
    return Message(
        delivery_id=delivery.id,
        key=facts["key"] or delivery.id,
        workspace=workspace,
        items=tuple(_item(one, home) for one in facts["items"]),
        url=f"{home}/incidents{own}" if several else base_url,
        more=facts["more"],
        also_down=tuple(facts["also_down"]),
        also_down_count=facts["also_down_count"],
        also_down_since_at=_at(facts.get("also_down_since_at")),
        also_down_tags=tuple(facts.get("also_down_tags", ())),
        rehearsal=facts.get("rehearsal", False),
        ack_url=f"{base_url.rstrip('/')}/acknowledge/{ack_code}" if ack_code else "",
        note=_note(facts["note"], variables) if "note" in facts else None,
    )


def variables_of(delivery: Delivery) -> Collection[str]:
    """Return the keys of the variables that a delivery's note names."""
    parts = chain.from_iterable(delivery.message.get("note", {}).values())
    return frozenset().union(*(keys_in(_part(part)) for part in parts))


def _note(parts: Mapping[str, Any], variables: Mapping[str, str]) -> Note:
    values = {"variables": variables}
    return Note(*(join(map(_part, parts[name]), values) for name in ("subject", "text")))


def _part(stored: Any) -> Part:
    return stored if isinstance(stored, str) else (stored[0], stored[1])


def aliased(tx: Tx, message: Message, workspace_id: int, dialect: str) -> Message:
    """Return the message with the names that a dialect has for its watches, given where it has
    none yet: whoever hears of one can ask its API for it."""
    ids = [item.watch_id for item in message.items]
    found = store_aliases.of_watches(tx, workspace_id, dialect, ids)
    for watch_id in set(ids) - found.keys():
        if record := watches.by_id(tx, workspace_id, watch_id):
            found[watch_id] = aliases.give(tx, record, dialect)
    names = {watch_id: Alias(one.name, one.number, one.ping_key) for watch_id, one in found.items()}
    items = (replace(item, alias=names.get(item.watch_id)) for item in message.items)
    return replace(message, items=tuple(items))


def _grouped(delivery: Delivery) -> Mapping[str, Any]:
    """Return the facts in their present form; until 0.1 they were those of one item, bare."""
    facts = delivery.message
    if "items" in facts:
        return facts
    return alone(facts["watch_id"], {**facts, "event": delivery.event})


def _at(stored: str | None) -> datetime | None:
    return datetime.fromisoformat(stored) if stored else None


def _item(stored: Mapping[str, Any], home: str) -> Item:
    facts = dict(stored)
    for name in _TIMES:
        facts[name] = _at(facts.get(name))
    facts["event"] = Event(facts["event"])
    facts["tags"] = tuple(facts.get("tags", ()))
    return Item(url=f"{home}/i/{facts['slug']}" if facts["slug"] else f"{home}/", **facts)
