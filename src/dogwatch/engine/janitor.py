"""The janitor: throws away what is too old or too much, a little at a time."""

from collections.abc import Mapping

from dogwatch.clock import Clock
from dogwatch.store.database import Database
from dogwatch.store.retention import Keep
from dogwatch.usecases import retention

EVERY_S = 60.0
BREATH_S = 0.5


class Janitor:
    """Prunes in small batches, so that no ping waits behind it."""

    name = "janitor"
    topics: frozenset[str] = frozenset()

    def __init__(
        self, database: Database, clock: Clock, keep: Mapping[str, Keep], output_days: int
    ) -> None:
        self._database = database
        self._clock = clock
        self._keep = keep
        self._output_days = output_days
        self._census: retention.Census = {}

    async def step(self) -> float:
        """Prune one batch; return soon while there is more. Counting is left to a reader."""
        known = self._census
        self._census = counted = await self._database.aread(
            lambda tx: retention.census(tx, self._keep, known)
        )
        gone = await self._database.awrite(
            lambda tx: retention.prune(
                tx, self._keep, self._output_days, counted, self._clock.now()
            )
        )
        return BREATH_S if gone else EVERY_S
