"""The heart: tells that this node is alive, and takes over from nodes that are not."""

from collections.abc import Callable

import structlog

from dogwatch.clock import Clock
from dogwatch.core.problems import Problem
from dogwatch.store.database import Database, Tx
from dogwatch.usecases import nodes

BEAT_S = 3.0
ALONE_S = 7.0

_log = structlog.get_logger("dogwatch.engine")


class Heart:
    """Beats every few seconds; a node that cannot for seven must stop its own work.

    Others take its tasks over after ten: what still runs here by then would run twice.
    """

    name = "heart"
    topics: frozenset[str] = frozenset()

    def __init__(
        self, database: Database, clock: Clock, node_id: str, drop_work: Callable[[], None]
    ) -> None:
        self._database = database
        self._clock = clock
        self._node_id = node_id
        self._drop_work = drop_work
        self._beat_at = clock.monotonic()

    async def step(self) -> float:
        """Beat once and reap; return the seconds until the next beat."""
        try:
            await self._database.awrite(self._beat)
        except Problem as problem:
            _log.warning("no beat", why=problem.message)
        else:
            self._note_stall()
            self._beat_at = self._clock.monotonic()
            return BEAT_S
        if self._silent_s() > ALONE_S:
            self._drop_work()
        return 1.0

    def _note_stall(self) -> None:
        """A process that was stopped for long has lost its tasks to others meanwhile."""
        if self._silent_s() > nodes.LEASE.total_seconds():
            self._drop_work()

    def _silent_s(self) -> float:
        return self._clock.monotonic() - self._beat_at

    def _beat(self, tx: Tx) -> int:
        at = self._clock.now()
        if not nodes.beat(tx, self._node_id, at):
            nodes.rejoin(tx, self._node_id, at)
        return nodes.reap(tx, at)
