"""Idle polls skipped: a loop sleeps through those that would find nothing."""

import math
import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from dogwatch.engine.heart import BEAT_S, Heart
from dogwatch.engine.loop import Loop, Turning
from dogwatch.engine.sweeper import Sweeper
from dogwatch.store.types import from_microseconds
from tests.simulation.door import Door
from tests.simulation.virtual import VirtualClock

_TASKS = """SELECT min(run_at) FROM tasks WHERE lane = ? AND node_id IS NULL AND
    (ordering IS NULL OR NOT EXISTS (SELECT 1 FROM tasks AS earlier
     WHERE earlier.ordering = tasks.ordering AND earlier.id < tasks.id))"""
_LANES = {"http worker": "http", "script worker": "script", "courier": "delivery"}


class Agenda:
    """Looks up, past all our own code, when a loop could next find something to do."""

    def __init__(self, path: Path) -> None:
        self._conn = sqlite3.connect(path)

    def next_at(self, name: str) -> datetime | None:
        """Return the earliest such time for the loop of this name."""
        if name == "sweeper":
            found = self._conn.execute("SELECT min(due_at) FROM watches")
        elif name == "scheduler":
            found = self._conn.execute("SELECT min(next_at) FROM jobs")
        else:
            found = self._conn.execute(_TASKS, (_LANES[name],))
        count: int | None = found.fetchone()[0]
        return None if count is None else from_microseconds(count)

    def close(self) -> None:
        """Close the connection."""
        self._conn.close()


class DullHeart(Heart):
    """Puts off the beats that would only repeat the one before."""

    def __init__(
        self, door: Door, clock: VirtualClock, node_id: str, drop_work: Callable[[], None]
    ) -> None:
        super().__init__(door, clock, node_id, drop_work)  # type: ignore[arg-type]  # a stand-in
        self._door = door

    async def step(self) -> float:
        """Beat, on paper or really."""
        if self._door.sure:
            self._door.put_off(self._node_id, self._clock.now())
            self._beat_at = self._clock.monotonic()
            return BEAT_S
        self._door.catch_up()
        pause_s = await super().step()
        self._door.sure = pause_s == BEAT_S and not self._door.away
        return pause_s


class WarySweeper(Sweeper):
    """Judges with the latest beat written."""

    def __init__(self, door: Door, clock: VirtualClock, node_id: str) -> None:
        super().__init__(door, clock, node_id)  # type: ignore[arg-type]  # a stand-in
        self._door = door

    async def step(self) -> float:
        """Judge what is due."""
        self._door.catch_up()
        return await super().step()


class NappingTurning(Turning):
    """Turns at the very times at which `Turning` would find something to do, and at few others."""

    def __init__(self, loop: Loop, clock: VirtualClock, agenda: Agenda) -> None:
        super().__init__(loop)
        self._clock = clock
        self._agenda = agenda
        self._naps = loop.name in {"sweeper", "scheduler", *_LANES}
        self._really = False
        self._stepped_s = 0.0
        self._pause_s = 0.0
        self._due_s = -math.inf

    def wake(self) -> None:
        """Have the next step follow at once."""
        self._really = True
        super().wake()

    def stir(self) -> None:
        """Think again about when to step next: something was committed."""
        if self._naps and self._pause_s > 0:
            at = self._agenda.next_at(self.loop.name)
            if at and self._clock.seconds_until(at) < self._due_s - self._clock.monotonic():
                self._woken.set()

    async def step(self) -> float:
        """Step, or nap."""
        now_s = self._clock.monotonic()
        if self._really or now_s >= self._due_s - 1e-6:
            self._really = False
            self._pause_s = await super().step()
            self._stepped_s = self._clock.monotonic()
        if self._pause_s <= 0 or not self._naps:
            self._due_s = -math.inf
            return self._pause_s
        return self._nap_s()

    def _nap_s(self) -> float:
        """Return the time until the last poll before there is something to do."""
        now_s = self._clock.monotonic()
        at = self._agenda.next_at(self.loop.name)
        idle_s = 600.0 if at is None else self._clock.seconds_until(at) + now_s - self._stepped_s
        polls = max(1, math.floor(idle_s / self._pause_s))
        polls = max(polls, math.ceil((now_s - self._stepped_s) / self._pause_s - 1e-9))
        self._due_s = self._stepped_s + polls * self._pause_s
        return max(self._due_s - now_s, 1e-6)
