"""Folding: pings that a spool kept while the database was away are recorded, each exactly once."""

from collections.abc import Collection, Sequence
from datetime import datetime

from dogwatch.core.ping import Answer
from dogwatch.spool import Entry, Segment
from dogwatch.store import nodes
from dogwatch.store.tx import Tx
from dogwatch.usecases import pings


def fold(tx: Tx, segment: Segment, entries: Sequence[Entry], at: datetime) -> int:
    """Record entries, all `tried` or none; return how many of them no watch has the key of.

    How far the spool is folded is written in the same transaction: what a crash leaves in the
    spool after it is passed over the next time.
    """
    done = _done(tx, segment.spool_id)
    new = [entry for entry in entries if (segment.number, entry.end) > done]
    if not new:
        return 0
    answers = pings.record(tx, [entry.heard for entry in new], at, tried=new[0].tried)
    nodes.set_fact(tx, _name(segment.spool_id), f"{segment.number} {new[-1].end}")
    return answers.count(Answer.UNKNOWN)


def finish(tx: Tx, spool_ids: Collection[str]) -> None:
    """Forget how far spools are folded that have no segment left."""
    for spool_id in spool_ids:
        nodes.drop_fact(tx, _name(spool_id))


def _done(tx: Tx, spool_id: str) -> tuple[int, int]:
    number, _, end = (nodes.fact(tx, _name(spool_id)) or "0 0").partition(" ")
    return int(number), int(end)


def _name(spool_id: str) -> str:
    return f"spool:{spool_id}"
