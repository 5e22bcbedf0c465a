"""The scheduler: makes a run for every slot that has come."""

from dogwatch.clock import Clock
from dogwatch.engine.loop import until
from dogwatch.store.database import Database
from dogwatch.store.jobs import next_due_at
from dogwatch.usecases.runs import fire_due

BATCH = 200
LEAST_S, POLL_S = 0.01, 1.0


class Scheduler:
    """Fires due slots; several may share one database."""

    name = "scheduler"
    topics = frozenset({"schedule"})

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def step(self) -> float:
        """Fire what is due; return the seconds until the next slot, at most the poll."""
        fired = await self._database.awrite(lambda tx: fire_due(tx, self._clock.now(), BATCH))
        if fired == BATCH:
            return 0.0
        due_at = await self._database.aread(next_due_at)
        return max(until(due_at, self._clock.now(), POLL_S), LEAST_S)
