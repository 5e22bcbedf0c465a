"""The sweeper: judges silence when its time has come."""

from collections.abc import Callable
from datetime import datetime, timedelta

from dogwatch.clock import Clock
from dogwatch.core.slots import Gap
from dogwatch.engine.loop import until
from dogwatch.engine.slices import Slices
from dogwatch.store import pauses
from dogwatch.store.database import Database, Tx
from dogwatch.store.watches import next_due_at
from dogwatch.usecases import nodes, watches

LEAST, MOST = 50, 500
POLL_S = 0.5
# A longer time between two answers of the database than any healthy one needs.
CUT = timedelta(seconds=2)
# More than two clocks that agree ever step back by.
STEP_BACK = timedelta(seconds=1)


def _next_at(tx: Tx) -> datetime | None:
    """Return when the next deadline passes, or the next pause ends."""
    return min(filter(None, (next_due_at(tx), pauses.next_at(tx))), default=None)


class Sweeper:
    """Steps every watch whose deadline may have passed.

    It beats in the same transaction, so that it never takes its own sleep for their silence. It
    judges nothing beyond the oldest ping that a living node has not yet put into the database.
    """

    name = "sweeper"
    topics = frozenset({"sweep"})

    def __init__(
        self,
        database: Database,
        clock: Clock,
        node_id: str,
        unfolded_at: Callable[[], datetime | None] = lambda: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._node_id = node_id
        self._unfolded_at = unfolded_at
        self._slices = Slices(clock, database.slice_s, LEAST, MOST)
        self._reached_at = clock.now()
        self._cut: Gap | None = None

    async def step(self) -> float:
        """Judge what is due; return the seconds until the next deadline, at most the poll."""
        due_at = await self._database.aread(_next_at)
        at = self._clock.now()
        self._note_reached(at)
        if wait_s := until(due_at, at, POLL_S):
            return wait_s
        judged = await self._database.awrite(self._judge)
        return 0.0 if judged else POLL_S

    def _note_reached(self, at: datetime) -> None:
        if at - self._reached_at > CUT:
            self._cut = Gap(self._reached_at, at)
        elif self._reached_at - at > STEP_BACK:  # what was noted lies in another time
            self._cut = None
        self._reached_at = at

    def _judge(self, tx: Tx) -> int:
        at, unfolded_at = self._clock.now(), self._unfolded_at()
        nodes.beat(tx, self._node_id, at, unfolded_at)
        until_at = min(nodes.horizon(tx, at, self._cut), unfolded_at or at)
        resumed = watches.resume_due(tx, at)
        judged = watches.lapse(tx, at, self._slices.begin(), until_at)
        self._slices.end(judged)
        return resumed + judged
