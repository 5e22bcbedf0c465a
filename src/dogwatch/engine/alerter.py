"""The alerter: lets go, collects, repeats and escalates alerts when their time has come."""

from dogwatch.clock import Clock
from dogwatch.engine.loop import until
from dogwatch.engine.slices import Slices
from dogwatch.store.database import Database, Tx
from dogwatch.usecases import timers

POLL_S = 1.0
LEAST, MOST = 25, timers.BATCH


class Alerter:
    """Does what is due by timers, which are rows: a crash or another node changes nothing."""

    name = "alerter"
    topics = frozenset({timers.TOPIC})

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._slices = Slices(clock, database.slice_s, LEAST, MOST)

    async def step(self) -> float:
        """Do a batch of what is due; return the seconds until the next timer, at most the poll."""
        next_at = await self._database.aread(timers.next_at)
        if wait_s := until(next_at, self._clock.now(), POLL_S):
            return wait_s
        return 0.0 if await self._database.awrite(self._go_off) else POLL_S

    def _go_off(self, tx: Tx) -> int:
        done = timers.step(tx, self._clock.now(), self._slices.begin())
        self._slices.end(done)
        return done
