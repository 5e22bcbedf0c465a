"""The lookout: tells people of probes that nobody asks any more."""

from dogwatch.clock import Clock
from dogwatch.store.database import Database
from dogwatch.usecases import unwatched

EVERY_S = 30.0
# What was overdue when this node began is asked by then, if anybody is there to ask.
PATIENCE_S = 90.0


class Lookout:
    """Looks twice a minute for turns that no node of their location takes."""

    name = "lookout"
    topics: frozenset[str] = frozenset()

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._from = clock.monotonic() + PATIENCE_S

    async def step(self) -> float:
        """Tell of what is unwatched; return the seconds until the next look."""
        early_s = self._from - self._clock.monotonic()
        if early_s > 0:
            return early_s
        await self._database.awrite(lambda tx: unwatched.look(tx, self._clock.now()))
        return EVERY_S
