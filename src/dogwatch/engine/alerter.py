"""The alerter: lets go, collects, repeats and escalates alerts when their time has come."""

from dogwatch.clock import Clock
from dogwatch.store.database import Database
from dogwatch.usecases import timers

POLL_S = 1.0


class Alerter:
    """Does what is due by timers, which are rows: a crash or another node changes nothing."""

    name = "alerter"
    topics = frozenset({timers.TOPIC})

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def step(self) -> float:
        """Do a batch of what is due; return the seconds until the next timer, at most the poll."""
        next_at = await self._database.aread(timers.next_at)
        at = self._clock.now()
        if next_at is None:
            return POLL_S
        if next_at > at:
            return min((next_at - at).total_seconds(), POLL_S)
        done = await self._database.awrite(lambda tx: timers.step(tx, self._clock.now()))
        return 0.0 if done else POLL_S
