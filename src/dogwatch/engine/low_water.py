"""How far back a claim must look: PostgreSQL keeps what is done as long as anyone may see it.

While an old snapshot is open (a dump, a forgotten session), the index entries of all tasks done
since stay, and each claim would read through them again.
"""

from datetime import datetime, timedelta
from functools import partial

from dogwatch.clock import Clock
from dogwatch.store import tasks
from dogwatch.store.database import Database
from dogwatch.store.tasks import EVER

LOOK = timedelta(seconds=1)
# In case that a commit took longer than the slack: a look at everything.
WHOLE_LOOK = timedelta(seconds=30)
SLACK = timedelta(seconds=5)


class LowWater:
    """No free task of the lane is due before it, but for commits that take longer than `SLACK`."""

    def __init__(self, lane: str, database: Database, clock: Clock) -> None:
        self._lane = lane
        self._database = database
        self._clock = clock
        self._since_at = self._looked_at = self._whole_at = EVER

    async def since_at(self) -> datetime:
        """Return the time from which on to claim; looks anew every second."""
        at = self._clock.now()
        if at < self._looked_at:  # the clock was set back
            self._since_at = self._looked_at = self._whole_at = EVER
        if at - self._looked_at >= LOOK:
            await self._look(at)
        return self._since_at

    async def _look(self, at: datetime) -> None:
        since_at = self._since_at
        if at - self._whole_at >= WHOLE_LOOK:
            since_at, self._whole_at = EVER, at
        first = partial(tasks.next_run_at, lane=self._lane, since_at=since_at)
        first_at = await self._database.aread(first)
        self._since_at = min(first_at or at, at) - SLACK
        self._looked_at = at
