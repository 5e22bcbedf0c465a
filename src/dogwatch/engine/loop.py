"""How every loop of the engine goes round: a step, then a wait that a wake-up can end."""

import asyncio
import contextlib
from datetime import datetime
from typing import Protocol

import structlog

from dogwatch.core.problems import Problem

FAILED_PAUSE_S = 1.0

_log = structlog.get_logger("dogwatch.engine")


class Loop(Protocol):
    """A part of the engine. `topics` are the commits that wake it."""

    name: str
    topics: frozenset[str]

    async def step(self) -> float:
        """Do what is to be done now; return the seconds after which to look again."""
        ...


def until(next_at: datetime | None, at: datetime, poll_s: float) -> float:
    """Return the seconds to wait for what is next, at most the poll; 0 if it is due."""
    if next_at is None:
        return poll_s
    return min(max((next_at - at).total_seconds(), 0.0), poll_s)


class Turning:
    """A loop that is turning, until it is stopped."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self._woken = asyncio.Event()
        self._stopped = False

    def wake(self) -> None:
        """Have the next step follow at once."""
        self._woken.set()

    def stop(self) -> None:
        """End after the step under way."""
        self._stopped = True
        self._woken.set()

    async def run(self) -> None:
        """Turn until stopped. A step that fails is logged and tried again, so nothing is lost."""
        while not self._stopped:
            self._woken.clear()
            pause_s = await self.step()
            if pause_s > 0 and not self._stopped:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), pause_s)

    async def step(self) -> float:
        """Do one step; a failure is logged."""
        try:
            return await self.loop.step()
        except Problem as problem:
            _log.warning("step failed", loop=self.loop.name, why=problem.message)
            return FAILED_PAUSE_S
        except Exception as error:
            _log.error(
                "step failed", loop=self.loop.name, error=type(error).__name__, exc_info=True
            )
            return FAILED_PAUSE_S
