"""One turn of the conductor: runs of workflows are begun and looked after, effects carried out."""

from datetime import datetime

from dogwatch.store import tasks
from dogwatch.store.effects import LANE
from dogwatch.store.tx import Tx
from dogwatch.usecases import effects, flows
from dogwatch.usecases.following import carry_out

TOPICS = frozenset({flows.LANE, LANE})


def next_at(tx: Tx) -> datetime | None:
    """Return when there is something to do next."""
    times = [tasks.next_run_at(tx, lane) for lane in sorted(TOPICS)]
    return min(filter(None, times), default=None)


def step(tx: Tx, at: datetime) -> int:
    """Do what is due, in this transaction; return how much that was."""
    count, ended = flows.conduct(tx, at)
    effects.note(tx, ended, {}, at)
    return count + carry_out(tx, at)
