"""Readiness: whether a write is kept now, and whether an engine is at work."""

from collections.abc import Mapping
from datetime import datetime

from dogwatch.store import nodes
from dogwatch.store.tx import Tx
from dogwatch.usecases.nodes import LEASE

OK = "ok"


def probe(tx: Tx, at: datetime) -> Mapping[str, str]:
    """Write, then return the state of each part: `ok`, or what is wrong with it."""
    nodes.set_fact(tx, "ready_at", at.isoformat())
    last_at = nodes.last_beat_at(tx)
    alive = last_at is not None and at - last_at <= LEASE
    return {"database": OK, "engine": OK if alive else "no engine is alive"}
