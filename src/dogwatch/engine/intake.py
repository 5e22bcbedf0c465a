"""The intake: records pings in the database or, while that is away, keeps them in the spool."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from dogwatch.clock import Clock
from dogwatch.core.ping import NOWHERE, Answer, Heard
from dogwatch.core.problems import Problem
from dogwatch.spool import Spool
from dogwatch.store.database import Database, Tx
from dogwatch.usecases import pings
from dogwatch.usecases.nodes import OUTAGE

PATIENCE_S = 2.0
STALL = timedelta(seconds=0.5)
# The longest that a ping waits before it gets here; an older time is one that its sender tells.
WAIT = timedelta(seconds=5)

_log = structlog.get_logger("dogwatch.engine")


class Intake:
    """Answers for pings once they are durable: in the database, or in the spool if there is one.

    Pings after a long silence may be the first to see that this process slept or that its clock
    was set: `on_jump` notes that before they are judged.

    Whoever empties the spool says when `away` ends. While it lasts, any key that could be one is
    accepted, since nobody can tell: an unknown one is dropped when the spool is folded.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        spool: Spool | None = None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.spool = spool
        self.away = False
        self.on_jump: Callable[[Tx, datetime], object] = lambda tx, at: None
        self._recorded_at = clock.now()
        self._database = database
        self._clock = clock
        self._patience_s = patience_s
        self._begun: dict[int, datetime] = {}
        self._count = 0
        self._abandoned: set[asyncio.Task[Sequence[Answer]]] = set()

    async def record(self, batch: Sequence[Heard]) -> Sequence[Answer]:
        """Return what became of each ping, once that is durable; `Problem("away")` if nowhere."""
        self._count += 1
        number, since_at = self._count, self._since(batch)
        self._begun[number] = since_at
        try:
            if self.spool is None:
                return await self._store(batch)
            if self.away:
                return await self._keep(self.spool, batch, since_at, tried=False)
            answers = await self._try(batch)
            return answers or await self._keep(self.spool, batch, since_at, tried=True)
        finally:
            del self._begun[number]

    def unfolded_at(self) -> datetime | None:
        """Return the time of the oldest ping that the database should have and has not."""
        stalled_at = self._clock.now() - STALL
        times = [at for at in list(self._begun.values()) if self.away or at < stalled_at]
        if self.spool and (kept_at := self.spool.since_at):
            times.append(kept_at)
        return min(times, default=None)

    @property
    def unsettled(self) -> bool:
        """Whether the database may yet record what is in the spool already."""
        return bool(self._abandoned)

    def _since(self, batch: Sequence[Heard]) -> datetime:
        now = self._clock.now()
        return min(max(min(heard.at for heard in batch), now - WAIT), now)

    async def _try(self, batch: Sequence[Heard]) -> Sequence[Answer] | None:
        """Return the database's answers; None where it is away or takes too long."""
        attempt = asyncio.ensure_future(self._store(batch))
        try:
            return await asyncio.wait_for(asyncio.shield(attempt), self._patience_s)
        except TimeoutError:
            self._abandoned.add(attempt)
            attempt.add_done_callback(self._end)
        except Problem as problem:
            if problem.kind != "away":
                raise
        return None

    def _end(self, attempt: asyncio.Task[Sequence[Answer]]) -> None:
        self._abandoned.discard(attempt)
        if not attempt.cancelled():
            attempt.exception()  # taken, or it would be logged as forgotten

    async def _keep(
        self, spool: Spool, batch: Sequence[Heard], since_at: datetime, *, tried: bool
    ) -> Sequence[Answer]:
        if not self.away:
            self.away = True
            _log.warning("the database is away: pings are spooled")
        kept = [heard for heard in batch if heard.key != NOWHERE.key]
        if kept:
            await asyncio.to_thread(spool.append, kept, since_at, tried=tried)
        return [Answer.UNKNOWN if heard.key == NOWHERE.key else Answer.RECORDED for heard in batch]

    async def _store(self, batch: Sequence[Heard]) -> Sequence[Answer]:
        """Record a batch; if one of it cannot be, the others still are."""
        try:
            at, answers = await self._database.awrite(lambda tx: self._record(tx, batch))
        except Problem:
            raise
        except Exception:
            if len(batch) == 1:
                raise
            return [(await self._store([heard]))[0] for heard in batch]
        self._recorded_at = at  # not the time by now: that may have jumped already
        return answers

    def _record(self, tx: Tx, batch: Sequence[Heard]) -> tuple[datetime, Sequence[Answer]]:
        at = self._clock.now()
        if abs(at - self._recorded_at) >= OUTAGE:
            self.on_jump(tx, at)
        return at, pings.record(tx, batch, at)
