"""The lookout: tells people of probes that nobody asks any more."""

from datetime import timedelta

from dogwatch.clock import Clock
from dogwatch.store.database import Database
from dogwatch.usecases import unwatched

EVERY_S = 30.0
# What was overdue when this node began is asked by then, if anybody is there to ask.
PATIENCE = timedelta(seconds=90)
# Nobody looked for longer: this node stood still, or its clock was set.
AWAY = timedelta(seconds=45)


class Lookout:
    """Looks twice a minute for turns that no node of their location takes."""

    name = "lookout"
    topics: frozenset[str] = frozenset()

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._looked_at = clock.now()
        self._from_at = self._looked_at + PATIENCE

    async def step(self) -> float:
        """Tell of what is unwatched; return the seconds until the next look."""
        at = self._clock.now()
        if not timedelta(0) <= at - self._looked_at <= AWAY:
            self._from_at = at + PATIENCE
        self._looked_at = at
        if at >= self._from_at:
            await self._database.awrite(lambda tx: unwatched.look(tx, at))
        return EVERY_S
