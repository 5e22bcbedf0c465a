"""The folder: puts what the spool kept into the database as soon as that is back."""

import asyncio
from collections.abc import Sequence
from itertools import takewhile

import structlog

from dogwatch.clock import Clock
from dogwatch.core.problems import Problem
from dogwatch.engine.intake import Intake
from dogwatch.spool import Entry, Segment, Spool
from dogwatch.store.database import Database, Tx
from dogwatch.usecases import folding, nodes

BATCH = 500
POLL_S = 0.2
# Until then new pings queue up behind those in the spool, which keeps their order.
CATCH_UP_S = 30.0

_log = structlog.get_logger("dogwatch.engine")


class Folder:
    """Folds the spool segment by segment, oldest first, a batch in each step.

    A ping that the database refuses for its own sake is set aside, and stops no other.
    """

    name = "folder"
    topics: frozenset[str] = frozenset()

    def __init__(
        self, database: Database, clock: Clock, intake: Intake, spool: Spool, node_id: str
    ) -> None:
        self._database = database
        self._clock = clock
        self._intake = intake
        self._spool = spool
        self._node_id = node_id
        self._back_at: float | None = None
        self._segment: Segment | None = None
        self._offset = 0
        self._refused = 0
        self._folded: set[str] = set()

    async def step(self) -> float:
        """Fold a batch if there is one and the database is there; return when to look again."""
        if not (self._intake.away or self._spool.since_at or self._folded):
            return POLL_S
        try:
            return await self._fold_some()
        except Problem as problem:
            _log.warning("not folded", why=problem.message)
            self._back_at = None
            return POLL_S

    async def _fold_some(self) -> float:
        if self._back_at is None:
            await self._database.awrite(self._mark)
            self._back_at = self._clock.monotonic()
        if self._intake.unsettled:
            return POLL_S
        if self._clock.monotonic() - self._back_at > CATCH_UP_S:
            self._intake.away = False
        self._segment = self._segment or await asyncio.to_thread(self._spool.oldest)
        if self._segment is None:
            await self._finish()
            return POLL_S
        entries = await asyncio.to_thread(self._segment.read, self._offset, BATCH)
        if entries:
            same = list(takewhile(lambda one: one.tried is entries[0].tried, entries))
            await self._fold(self._segment, same)
            self._offset = same[-1].end
        else:
            await self._remove(self._segment)
        return 0.0

    def _mark(self, tx: Tx) -> None:
        """Tell the other nodes' sweepers what is still here, before they judge."""
        nodes.beat(tx, self._node_id, self._clock.now(), self._intake.unfolded_at())

    async def _fold(self, segment: Segment, entries: Sequence[Entry]) -> None:
        try:
            unknown = await self._database.awrite(
                lambda tx: folding.fold(tx, segment, entries, self._clock.now())
            )
        except Exception as error:
            if isinstance(error, Problem) and error.kind == "away":
                raise
            if len(entries) > 1:
                for entry in entries:
                    await self._fold(segment, [entry])
                return
            self._refused += 1
            _log.error("a spooled ping was refused", error=type(error).__name__)
        else:
            if unknown:
                _log.warning("spooled pings of unknown keys were dropped", count=unknown)

    async def _remove(self, segment: Segment) -> None:
        await asyncio.to_thread(self._spool.remove, segment, refused=self._refused > 0)
        self._folded.add(segment.spool_id)
        self._segment, self._offset, self._refused = None, 0, 0

    async def _finish(self) -> None:
        """Nothing is left: new pings go straight to the database, and silence counts again."""
        self._intake.away = False

        def finished(tx: Tx) -> None:
            folding.finish(tx, self._folded)
            self._mark(tx)
            tx.wake("sweep")

        await self._database.awrite(finished)
        self._folded = set()
        self._back_at = None
        _log.info("the database is back: no ping is spooled")
