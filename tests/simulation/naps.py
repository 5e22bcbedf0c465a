"""Idle polls skipped: a loop sleeps through those that would find nothing."""

import json
import math
import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from dogwatch.engine.alerter import Alerter
from dogwatch.engine.courier import Courier
from dogwatch.engine.heart import BEAT_S, Heart
from dogwatch.engine.loop import Loop, Turning
from dogwatch.engine.scheduler import Scheduler
from dogwatch.engine.sweeper import Sweeper
from dogwatch.engine.worker import Worker
from dogwatch.store import timers
from dogwatch.store.tasks import Share
from dogwatch.store.tx import Tx
from dogwatch.store.types import from_microseconds
from dogwatch.usecases import holding
from tests.simulation.door import Door
from tests.simulation.virtual import VirtualClock

_TASKS = """SELECT min(run_at) FROM tasks WHERE lane = ? AND node_id IS NULL AND
    bulkhead NOT IN (SELECT value FROM json_each(?)) AND
    (ordering IS NULL OR NOT EXISTS (SELECT 1 FROM tasks AS earlier
     WHERE earlier.ordering = tasks.ordering AND earlier.id < tasks.id))"""
_TIMERS = "SELECT min(run_at) FROM tasks WHERE lane IN (SELECT value FROM json_each(?))"
_CANCELLED = """SELECT 1 FROM runs WHERE workspace_id = 1 AND cancel_reason IS NOT NULL AND
    id IN (SELECT value FROM json_each(?))"""

POLL_S = 1.0
LONG_S = 6 * 3600.0
LEAST_S = 0.001


class Agenda:
    """Looks up, past all our own code, when a loop could next find something to do."""

    def __init__(self, path: Path, clock: VirtualClock) -> None:
        self._conn = sqlite3.connect(path)
        self._clock = clock

    def next_at(self, loop: Loop) -> datetime | None:
        """Return the earliest such time, None if only others can make one."""
        if isinstance(loop, Sweeper):
            return self._first("SELECT min(due_at) FROM watches")
        if isinstance(loop, Scheduler):
            return self._first("SELECT min(next_at) FROM jobs")
        if isinstance(loop, Courier):
            return self._of_courier(loop)
        if isinstance(loop, Alerter):
            return self._first(_TIMERS, json.dumps(timers.LANES))
        assert isinstance(loop, Worker)
        return self._of_worker(loop)

    def _of_worker(self, worker: Worker) -> datetime | None:
        running = json.dumps([run_id for _, run_id in worker._running])
        if worker._running and self._conn.execute(_CANCELLED, (running,)).fetchone():
            return self._clock.now()
        if len(worker._going) >= worker._concurrency:
            return None
        return self._first(_TASKS, worker._lane, "[]")

    def _of_courier(self, courier: Courier) -> datetime | None:
        if self._first(_TASKS, holding.LANE, "[]") is None:
            return None
        places, now = courier._places, self._clock.monotonic()
        room = places.room(now)
        full = Share(room.per_endpoint, room.endpoints, room.windows).full
        at = self._first(_TASKS, holding.LANE, json.dumps(full))
        if at is None or (
            room.limit > 0 and not Share(room.per_workspace or 0, room.workspaces).full
        ):
            return at
        stalls_in_s = places.stalls_in_s(now)
        if stalls_in_s == math.inf:
            return None
        return max(at, self._clock.now() + timedelta(seconds=stalls_in_s))

    def _first(self, query: str, *given: str) -> datetime | None:
        count: int | None = self._conn.execute(query, given).fetchone()[0]
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
        self._next_s = 0.0

    def rouse(self) -> None:
        """Beat again, from the next beat on."""
        if self._door.lulled:
            self._door.rouse()
            self._beat_at = (
                self._clock.monotonic() - (self._clock.monotonic() - self._beat_at) % BEAT_S
            )
            self._next_s = self._beat_at + BEAT_S

    async def step(self) -> float:
        """Beat, or sleep while it would be dull."""
        early_s = self._next_s - self._clock.monotonic()
        if self._door.lulled or early_s > 1e-6:
            return LONG_S if self._door.lulled else early_s
        pause_s = await super().step()
        if pause_s == BEAT_S and not self._door.away:
            self._beat_at = self._clock.monotonic()
            self._door.lull(self._node_id)
        return pause_s


class WarySweeper(Sweeper):
    """Judges with the latest beat written."""

    def __init__(self, door: Door, clock: VirtualClock, node_id: str) -> None:
        super().__init__(door, clock, node_id)  # type: ignore[arg-type]  # a stand-in
        self._door = door

    def _judge(self, tx: Tx) -> int:
        self._door.catch_up(tx)
        return super()._judge(tx)


class NappingTurning(Turning):
    """Turns at the very times at which `Turning` would find something to do, and at few others."""

    def __init__(self, loop: Loop, clock: VirtualClock, agenda: Agenda) -> None:
        super().__init__(loop)
        self._clock = clock
        self._agenda = agenda
        self._naps = isinstance(loop, Sweeper | Scheduler | Courier | Worker | Alerter)
        self._really = False
        self._stepped_s = 0.0
        self._pause_s = 0.0
        self._due_s = -math.inf

    def rouse(self) -> None:
        """Have the next step follow at once, whatever the agenda says."""
        self._really = True
        self.wake()

    def stir(self) -> None:
        """Think again about when to step next: something was committed."""
        if self._naps and self._idle_s() < self._due_s - self._clock.monotonic():
            self._woken.set()

    async def step(self) -> float:
        """Step, or nap."""
        now_s = self._clock.monotonic()
        due = self._due_s if self._naps else now_s
        if self._really or now_s >= due - 1e-6 or self._idle_s() <= 0:
            self._really = False
            self._pause_s = await super().step()
            self._stepped_s = self._clock.monotonic()
        return self._nap_s() if self._naps else self._pause_s

    def _idle_s(self) -> float:
        """Return the seconds until there is something to do."""
        at = self._agenda.next_at(self.loop)
        return LONG_S if at is None else self._clock.seconds_until(at)

    def _nap_s(self) -> float:
        """Return the time until the first step that will find something to do."""
        now_s, idle_s = self._clock.monotonic(), self._idle_s()
        if self._pause_s <= 0 and idle_s <= 0:
            self._due_s = -math.inf
            return 0.0
        # Two step at the very time that they find; a poll finds it a little later.
        if idle_s <= 0 or not isinstance(self.loop, Sweeper | Scheduler):
            pause_s, slept_s = self._pause_s or POLL_S, now_s - self._stepped_s
            polls = max(1, math.ceil((idle_s + slept_s) / pause_s - 1e-9))
            idle_s = polls * pause_s - slept_s
        self._due_s = now_s + max(idle_s, LEAST_S)
        return self._due_s - now_s
