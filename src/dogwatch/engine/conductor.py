"""The conductor: begins runs of workflows, looks after them, and carries out what follows runs."""

from dogwatch.clock import Clock
from dogwatch.engine.loop import until
from dogwatch.store.database import Database
from dogwatch.usecases import conducting

POLL_S = 1.0


class Conductor:
    """Does what is due by tasks, which are rows: a crash or another node changes nothing.

    A workflow goes on in the transactions that end its nodes; nobody waits for this loop there.
    """

    name = "conductor"
    topics = conducting.TOPICS

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def step(self) -> float:
        """Do a batch of what is due; return the seconds until the next, at most the poll."""
        next_at = await self._database.aread(conducting.next_at)
        if wait_s := until(next_at, self._clock.now(), POLL_S):
            return wait_s
        done = await self._database.awrite(lambda tx: conducting.step(tx, self._clock.now()))
        return 0.0 if done else POLL_S
