"""Dogwatch's own heartbeat to somebody outside: whose turn it is, and what became of it.

It is known by one fact of the instance, so that of several nodes one tells in each minute.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from dogwatch.store import nodes
from dogwatch.store.tx import Tx

FACT = "outside_heartbeat"
EVERY = timedelta(minutes=1)
# Untold for longer, whoever waits outside has begun to wonder.
SILENT = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Whom it was last due to, masked, when, when it was last answered, and why not since ("" if
    it was)."""

    address: str = ""
    asked_at: datetime | None = None
    answered_at: datetime | None = None
    fault: str = ""

    def wrong(self, at: datetime) -> str:
        """Return in words what is wrong, "" while it is answered or was never due."""
        if self.fault:
            return f"the outside heartbeat fails: {self.fault}"
        if self.answered_at and at - self.answered_at > SILENT:
            return f"nobody outside was told since {self.answered_at:%Y-%m-%d %H:%M:%S} UTC"
        return ""


def known(tx: Tx) -> Heartbeat:
    """Return what is known of it."""
    return _read(nodes.fact(tx, FACT) or "{}")


def forget(tx: Tx) -> None:
    """Forget whom it was due to, as a node has begun that tells nobody; one that does, says so."""
    nodes.drop_fact(tx, FACT)


def turn(tx: Tx, at: datetime, address: str, problems: Sequence[str]) -> tuple[bool, timedelta]:
    """Return whether to tell now, and when to look again; `address` is masked.

    Nobody is told while there are problems: that silence is the message. Who waited while another
    node had its turn, or has a slower clock, comes a little before that turn by his own clock.
    What another address answered says nothing of this one.
    """
    had = _read(nodes.claim_fact(tx, FACT, "{}"))
    if had.address != address:
        had = Heartbeat(address, had.asked_at)
    if had.asked_at and abs(at - had.asked_at) < EVERY:
        return False, EVERY - (at - had.asked_at)
    _write(tx, replace(had, asked_at=at, fault="; ".join(problems) or had.fault))
    return not problems, EVERY


def note(tx: Tx, at: datetime, fault: str) -> None:
    """Write down how it was answered: `fault` "" if well."""
    had = _read(nodes.claim_fact(tx, FACT, "{}"))
    _write(tx, replace(had, answered_at=had.answered_at if fault else at, fault=fault))


def _read(fact: str) -> Heartbeat:
    told = json.loads(fact)
    times = {name: datetime.fromisoformat(told[name])
             for name in ("asked_at", "answered_at") if told.get(name)}  # fmt: skip
    return Heartbeat(told.get("address", ""), **times, fault=told.get("fault", ""))


def _write(tx: Tx, heartbeat: Heartbeat) -> None:
    nodes.set_fact(tx, FACT, json.dumps(asdict(heartbeat), default=datetime.isoformat))
