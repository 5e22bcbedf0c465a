"""Four schedulers on one database, one of them killed every half a second: no slot twice, no gap.

`DOGWATCH_PROVE_SCHEDULES` is the number of schedules, `DOGWATCH_PROVE_KILL_S` how long they are
killed, `DOGWATCH_SEED` repeats the choice of victims.
"""

import os
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from threading import Event

from sqlalchemy import func, insert, select

from dogwatch.core.run import Overlap
from dogwatch.store.database import Database, Tx
from dogwatch.store.tables import jobs, runs, watches
from tests.eventually import eventually
from tests.harness.firing import schedulers
from tests.harness.house import NOON, House
from tests.harness.proof import length, tell

SCHEDULES = int(length("DOGWATCH_PROVE_SCHEDULES", 200, 5_000))
KILL_S = length("DOGWATCH_PROVE_KILL_S", 4, 60)
SEED = int(os.environ.get("DOGWATCH_SEED", "0")) or random.randrange(1, 2**32)
COUNT, EVERY_S = 4, 0.5
# About a hundred slots a second, whatever the number of schedules.
STEP_S = max(2, SCHEDULES // 100)
LONG_S = 180.0


def furnish(house: House) -> None:
    """Make the schedules: copies of one job, each with a phase of its own."""
    at_s = (datetime.now(UTC) - NOON).total_seconds()
    made = house.job("one", at_s, schedule=f"every {STEP_S}s", overlap=Overlap.ALLOW)
    house.do(partial(copy, key=made.key))


def copy(tx: Tx, key: tuple[int, str]) -> None:
    for table, name in ((watches, "id"), (jobs, "watch_id")):
        (row,) = tx.conn.execute(select(table).where(table.c[name] == key[1]))
        copies = []
        for number in range(1, SCHEDULES):
            own = {name: f"{key[1][:20]}{number:06}"}
            if name == "id":
                own |= {"slug": f"n{number}", "ping_key": f"{number:020}"}
            ahead = timedelta(seconds=STEP_S * number / SCHEDULES)
            column = "slot_at" if name == "id" else "next_at"
            own[column] = getattr(row, column) + ahead
            if name == "id":
                own["ledger_from_at"] = own[column]
            copies.append({**row._mapping, **own})
        tx.conn.execute(insert(table), copies)


def wrongs(house: House) -> Iterator[str]:
    """Yield slots that are missing, and runs without one, which a second firing would leave."""
    step = timedelta(seconds=STEP_S)
    slots: dict[str, list[datetime]] = {}
    for run in house.rows("runs"):
        if run["slot_at"] is None:
            yield f"{run['id']} has no slot"
        else:
            slots.setdefault(run["watch_id"], []).append(run["slot_at"])
    for job in house.rows("jobs"):
        own = [*sorted(slots.get(job["watch_id"], [])), job["next_at"]]
        holes = [at for at, after in pairwise(own) if after - at != step]
        yield from (f"{job['watch_id']}: nothing after {at}" for at in holes)


def test_no_slot_is_fired_twice_or_forgotten(postgres_url: str) -> None:
    chance, kills = random.Random(SEED), 0
    database = Database.open(postgres_url)
    try:
        house = House(database)
        furnish(house)
        with schedulers(postgres_url, COUNT) as crowd:
            until = time.monotonic() + KILL_S
            while time.monotonic() < until:
                Event().wait(EVERY_S)
                crowd.kill_one(chance)
                kills += 1
            target_at = datetime.now(UTC)
            first = select(func.min(jobs.c.next_at))
            eventually(
                lambda: house.see(lambda tx: tx.conn.scalar(first)) > target_at,
                within_s=LONG_S, what="all is fired",
            )  # fmt: skip
        wrong = list(wrongs(house))
        fired = house.see(lambda tx: tx.conn.scalar(select(func.count()).select_from(runs)))
        findings = house.audit((datetime.now(UTC) - NOON).total_seconds())
    finally:
        database.close()
    figure = f"{SCHEDULES} schedules, {fired} slots, {kills} kills: {len(wrong)} doubled or missing"
    told = tell("schedulers that are killed miss nothing", figure, holds=not wrong, seed=str(SEED))
    assert wrong == [], told
    assert findings == [], told
    assert fired, told
