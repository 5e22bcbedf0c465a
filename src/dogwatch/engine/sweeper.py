"""The sweeper: judges silence when its time has come."""

from dogwatch.clock import Clock
from dogwatch.store.database import Database, Tx
from dogwatch.store.watches import next_due_at
from dogwatch.usecases import nodes, watches

BATCH = 500
POLL_S = 0.5


class Sweeper:
    """Steps every watch whose deadline may have passed.

    It beats in the same transaction, so that it never takes its own sleep for their silence.
    """

    name = "sweeper"
    topics = frozenset({"sweep"})

    def __init__(self, database: Database, clock: Clock, node_id: str) -> None:
        self._database = database
        self._clock = clock
        self._node_id = node_id

    async def step(self) -> float:
        """Judge what is due; return the seconds until the next deadline, at most the poll."""
        due_at = await self._database.aread(next_due_at)
        at = self._clock.now()
        if due_at is None or due_at > at:
            return POLL_S if due_at is None else min((due_at - at).total_seconds(), POLL_S)
        judged = await self._database.awrite(self._judge)
        return 0.0 if judged else POLL_S

    def _judge(self, tx: Tx) -> int:
        at = self._clock.now()
        nodes.beat(tx, self._node_id, at)
        return watches.lapse(tx, at, BATCH)
