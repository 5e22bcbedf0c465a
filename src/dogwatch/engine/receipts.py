"""The courier's receipts: as many in one transaction as came while the last one was committed."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from dogwatch.clock import Clock
from dogwatch.core.alerts import Attempt
from dogwatch.core.problems import Problem
from dogwatch.store.database import Database, Tx
from dogwatch.usecases import telling
from dogwatch.usecases.telling import Answered, Parcel

RETRY_WRITE_S = 0.5

_log = structlog.get_logger("dogwatch.courier")


@dataclass(frozen=True, slots=True)
class _Line:
    parcel: Parcel
    attempt: Attempt | None
    written: asyncio.Future[None]


class Receipts:
    """Writes what was answered, however long the database is away."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._waiting: list[_Line] = []
        self._writing: asyncio.Task[None] | None = None
        self._leaving = False

    async def write(self, parcel: Parcel, attempt: Attempt | None) -> None:
        """Return when the receipt is in the database; without an attempt, give the parcel back."""
        line = _Line(parcel, attempt, asyncio.get_running_loop().create_future())
        self._waiting.append(line)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        await line.written

    def leave(self) -> None:
        """Wait for the database no longer: whoever comes next sends again, under the same id."""
        self._leaving = True

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                lines, self._waiting = self._waiting, []
                await self._write(lines)
        finally:
            self._writing = None

    async def _write(self, lines: Sequence[_Line]) -> None:
        try:
            await self._database.awrite(lambda tx: self._settle(tx, lines))
        except asyncio.CancelledError:  # the process ends
            for line in lines:
                line.written.cancel()
            raise
        except Exception as error:
            _log.warning("receipts not written", count=len(lines), error=type(error).__name__)
            if not self._leaving:
                await self._write_again(lines, away=isinstance(error, Problem))
                return
        for line in lines:
            if not line.written.done():
                line.written.set_result(None)

    async def _write_again(self, lines: Sequence[_Line], *, away: bool) -> None:
        """Try later; one that cannot be written must not hold up the others."""
        if len(lines) > 1 and not away:
            for line in lines:
                await self._write([line])
            return
        await asyncio.sleep(RETRY_WRITE_S)
        self._waiting += lines

    def _settle(self, tx: Tx, lines: Sequence[_Line]) -> None:
        at = self._clock.now()
        answered = [
            Answered(line.parcel, line.attempt, random.random())  # noqa: S311  (only spreads)
            for line in lines
            if line.attempt
        ]
        telling.settle(tx, answered, at)
        for line in lines:
            if line.attempt is None:
                telling.give_back(tx, line.parcel, at)
