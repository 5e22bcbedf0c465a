"""A session holds an old snapshot open: what is done stays in the indexes, and claims stay quick.

`DOGWATCH_PROVE_SNAPSHOT_S` is how long it does, at `RATE` tasks a second.
"""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from itertools import count
from statistics import quantiles
from threading import Event

from dogwatch.clock import SystemClock
from dogwatch.engine.low_water import LowWater
from dogwatch.store import tasks
from dogwatch.store.database import Database
from dogwatch.store.tasks import NewTask
from tests.harness.house import House
from tests.harness.postgres import PostgresServer
from tests.harness.proof import length, tell

HELD_S = length("DOGWATCH_PROVE_SNAPSHOT_S", 3, 600)
RATE, BATCH = 2_000, 100
PROMISED_S, LENIENT_S = 0.05, 5.0


class Line:
    """Tasks that are queued, claimed and done; each must be claimed once."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.water = LowWater("http", house.database, SystemClock())
        self.claimed: list[str] = []
        self.took_s: list[float] = []
        self._numbers = count()

    def turn(self) -> None:
        """Queue a batch, claim it and have it done."""
        at = datetime.now(UTC)
        names = [f"{next(self._numbers):026}" for _ in range(BATCH)]
        self.house.do(
            tasks.add_many,
            [NewTask(self.house.workspace.id, "http", one, one, at, one) for one in names],
        )
        since_at = asyncio.run(self.water.since_at())
        began = time.perf_counter()
        found = self.house.do(tasks.claim, "http", "a", at + timedelta(seconds=1), BATCH, since_at)
        self.took_s.append(time.perf_counter() - began)
        self.claimed += [task.ref_id for task in found]
        self.house.do(tasks.done_many, found)

    def run(self, seconds: float) -> None:
        """Turn at the rate, or as quickly as this machine can."""
        began = time.monotonic()
        for number in count(1):
            self.turn()
            ahead_s = began + number * BATCH / RATE - time.monotonic()
            if time.monotonic() - began > seconds:
                return
            if ahead_s > 0:
                Event().wait(ahead_s)


def test_claims_stay_quick(migrated_postgres: PostgresServer, postgres_url: str) -> None:
    database = Database.open(postgres_url)
    name = postgres_url.rpartition("/")[2]
    try:
        line = Line(House(database))
        line.turn()
        with migrated_postgres.connect(name) as holder:
            holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            holder.execute("SELECT count(*) FROM tasks")
            line.run(HELD_S)
            holder.execute("ROLLBACK")
    finally:
        database.close()
    p99_s = quantiles(line.took_s, n=100, method="inclusive")[-1]
    figure = f"{len(line.claimed)} tasks in {HELD_S:.0f} s, claim p99 {p99_s * 1000:.1f} ms"
    holds = p99_s < PROMISED_S
    told = tell("a snapshot held open: claims stay quick", figure, holds=holds)
    assert len(line.claimed) == len(set(line.claimed)) == len(line.took_s) * BATCH, told
    assert p99_s < LENIENT_S, told
