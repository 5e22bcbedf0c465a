"""The heart: tells that this node is alive, and takes over from nodes that are not."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import structlog

from dogwatch.clock import Clock
from dogwatch.core.problems import Problem
from dogwatch.store.database import Database, Tx
from dogwatch.usecases import nodes

BEAT_S = 3.0
ALONE_S = 7.0
PATIENCE_S = 2.0
RETRY_S = 0.2

T = TypeVar("T")

_log = structlog.get_logger("dogwatch.engine")


class Heart:
    """Beats every few seconds; a node that cannot for seven must stop its own work.

    Others take its tasks over after ten: what still runs here by then would run twice. Whether
    the database was away or this process stopped makes no difference. The next beat hands what
    was dropped back, in case that nobody was there to take it. `drop_work` is None where there
    are no others. With each beat, `agree` sets our clock by the one that all nodes share.
    """

    name = "heart"
    topics: frozenset[str] = frozenset()

    def __init__(
        self,
        database: Database,
        clock: Clock,
        node_id: str,
        drop_work: Callable[[], None] | None,
        patience_s: float = PATIENCE_S,
        unfolded_at: Callable[[], datetime | None] = lambda: None,
        agree: Callable[[Tx], None] = lambda _: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._node_id = node_id
        self._drop_work = drop_work
        self._patience_s = patience_s
        self._unfolded_at = unfolded_at
        self._agree = agree
        self._beat_at = clock.monotonic()

    async def step(self) -> float:
        """Beat once and reap; return the seconds until the next beat."""
        began = self._clock.monotonic()
        dropped = False
        if self._drop_work and began - self._beat_at > ALONE_S:
            dropped = True
            _log.warning("silent for too long: runs are dropped")
            self._drop_work()
        at = await self._written("no beat", lambda tx: self._beat(tx, dropped=dropped))
        if at is None:
            return RETRY_S
        self._beat_at = began
        # Apart from the beat: it may have to wait for what others have locked. As of the beat: a
        # clock that is set forward in between would declare all of us dead.
        await self._written("nothing taken over", lambda tx: nodes.reap(tx, at))
        return BEAT_S

    async def _written(self, otherwise: str, fn: Callable[[Tx], T]) -> T | None:
        """Return what a transaction did; None where it could not be."""
        try:
            async with asyncio.timeout(self._patience_s):
                return await self._database.awrite(fn)
        except (Problem, TimeoutError) as error:
            _log.warning(otherwise, error=str(error) or "the database does not answer")
            return None

    def _beat(self, tx: Tx, *, dropped: bool) -> datetime:
        """Beat, and return when."""
        self._agree(tx)
        at = self._clock.now()
        if not nodes.beat(tx, self._node_id, at, self._unfolded_at()):
            nodes.rejoin(tx, self._node_id, at)
        if dropped:
            nodes.lose(tx, self._node_id, at)
        return at
