"""A message with every fact, for whoever lays it out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from dogwatch.core.alerts import Event
from dogwatch.core.message import Item, Message

SINCE = datetime(2026, 11, 20, 1, 20, 3, 250_000, tzinfo=UTC)
ITEM = Item(
    event=Event.DOWN,
    watch_id="w1",
    slug="nightly-backup",
    name="Nightly database backup",
    tags=("db1", "prod"),
    status="down",
    previous_status="up",
    since_at=SINCE,
    expected_at=SINCE - timedelta(minutes=20, seconds=3),
    reason="nothing came for 20 min",
    last_ok_at=SINCE - timedelta(days=1),
    last_ok_ms=240_000,
    about="Runbook: https://wiki.example/backup",
    url="https://dogwatch.example/i/nightly-backup",
    timezone="Europe/Warsaw",
    schedule="0 2 * * *",
    grace_s=1200,
)
MESSAGE = Message(
    delivery_id="01kdelivery",
    key="w1",
    workspace="Main",
    items=(ITEM,),
    url="https://dogwatch.example",
)
RECOVERY: dict[str, Any] = {
    "event": Event.RECOVERED,
    "status": "up",
    "previous_status": "down",
    "reason": "",
    "expected_at": None,
    "down_for_s": 4830,
}


def told(**facts: Any) -> Message:
    """Return the message with other facts of its one item."""
    return replace(MESSAGE, items=(replace(ITEM, **facts),))


def group(count: int, more: int = 0) -> Message:
    """Return a message of `count` named watches and `more` others."""
    items = tuple(replace(ITEM, watch_id=f"w{n}", name=f"Watch {n}") for n in range(count))
    return replace(MESSAGE, key="i1", items=items, more=more)
