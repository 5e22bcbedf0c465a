"""What many watches cost: delay of detection, restart, memory, and calls that could grow with them.

Beside each figure stands that of a store which holds nothing but the sample. The others were all
heard of; their deadlines are lazy, so the sweeper comes by each of them within the hour. Less is
better here.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import quantiles
from typing import Any

from sqlalchemy import insert, select

from bench.table import Row
from dogwatch.core.spec import WatchSpec
from dogwatch.core.watch import Status
from dogwatch.ids import new_ids
from dogwatch.store import migrate, tables
from dogwatch.store.database import Database, Tx
from dogwatch.usecases import watches, workspaces
from tests.harness.behind import connected
from tests.harness.postgres import running_postgres
from tests.harness.served import Served

SAMPLE, SILENCE_S = 100, 3
PAGE = 5_000
HOUR = timedelta(hours=1)
DURABLE = ("max_connections=50", "shared_buffers=128MB")


# --- the store ----------------------------------------------------------------------------------


def seed(url: str, count: int) -> None:
    """Fill a new store with watches that were heard of, and a sample that was not yet."""
    migrate.upgrade(url)
    database, at = Database.open(url), datetime.now(UTC)
    try:
        fresh = database.write(partial(_like, schedule=f"every {SILENCE_S}s", at=at)).result()
        hourly = database.write(partial(_like, schedule="every 1h", at=at)).result()
        database.write(partial(_add, rows=_rows(fresh, 0, SAMPLE, "sample"))).result()
        for first in range(0, count, PAGE):
            rows = _rows(hourly, first, min(PAGE, count - first), "watch")
            database.write(partial(_add, rows=rows)).result()
        database.write(partial(_shift, by=datetime.now(UTC) - at)).result()
    finally:
        database.close()


def _add(tx: Tx, rows: list[dict[str, Any]]) -> None:
    tx.conn.execute(insert(tables.watches), rows)
    owners = [{"key": row["ping_key"], "workspace_id": row["workspace_id"]} for row in rows]
    for owner, row in zip(owners, rows, strict=True):
        owner["watch_id"] = row["id"]
    tx.conn.execute(insert(tables.ping_keys), owners)


def _shift(tx: Tx, by: timedelta) -> None:
    """Move all deadlines by the time that the seeding took."""
    micro = by // timedelta(microseconds=1)
    tx.conn.exec_driver_sql(
        f"UPDATE watches SET due_at = due_at + {micro}, slot_at = slot_at + {micro}"
        " WHERE due_at IS NOT NULL"
    )


def _rows(like: dict[str, Any], first: int, count: int, kind: str) -> list[dict[str, Any]]:
    at = like["created_at"]
    rows = []
    for number, own in enumerate(new_ids(at, count), first):
        row = like | {"id": own, "slug": f"{kind}-{number}", "ping_key": f"{kind}-key-{number:08}"}
        if kind == "watch":
            hint_at = at + HOUR * (number % PAGE) / PAGE + HOUR / 30
            row |= {"status": str(Status.UP), "heard": "ok", "heard_at": at, "ok_at": at}
            row |= {"slot_at": hint_at + HOUR, "due_at": hint_at}
        rows.append(row)
    return rows


def _like(tx: Tx, schedule: str, at: datetime) -> dict[str, Any]:
    """Return the row of a fresh watch, made and taken out again."""
    spec = WatchSpec(name="like", schedule=schedule, start_by_s=0)
    record = watches.add(tx, workspaces.first(tx, at).id, spec, at)
    found = select(tables.watches).where(tables.watches.c.id == record.id)
    row = dict(tx.conn.execute(found).one()._mapping)
    watches.remove(tx, record)
    return row


# --- the figures --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one store: milliseconds and MiB."""

    delay_p50_ms: float
    delay_p99_ms: float
    restart_ms: float
    memory_mib: float
    metrics_ms: float
    list_ms: float
    remove_ms: float


def measure(served: Served, url: str, count: int) -> Figures:
    """Seed, start, let the sample fall silent, ask some questions, kill and start again."""
    seed(url, count)
    served.start()
    delays = sorted(delays_ms(served, url))
    cuts = quantiles(delays, n=100)
    metrics = took_ms(lambda: served.call("GET", "/metrics"))
    listed = took_ms(lambda: served.call("GET", "/api/v1/watches?limit=100"))
    removed = took_ms(lambda: served.call("DELETE", "/api/v1/watches/sample-0"))
    memory = resident_mib(served.pid)
    served.kill9()
    restart = took_ms(lambda: restarted(served))
    served.kill9()
    return Figures(cuts[49], cuts[98], restart, memory, metrics, listed, removed)


def restarted(served: Served) -> None:
    """Start and have a ping accepted."""
    served.start()
    answer = served.call("GET", "/ping/sample-key-00000001", key="none")
    assert answer.status == 200, answer


def delays_ms(served: Served, url: str) -> list[float]:
    """Ping the sample, one by one, and see when each silence is in the store as a flip."""
    for number in range(SAMPLE):
        answer = served.call("GET", f"/ping/sample-key-{number:08}", key="none")
        assert answer.status == 200, answer
        time.sleep(0.02)
    seen: dict[str, float] = {}
    with connected(url, isolation_level="AUTOCOMMIT") as conn:
        deadline = time.time() + 60
        while len(seen) < SAMPLE and time.time() < deadline:
            downs = conn.execute(_DOWNS).scalars()
            now = time.time()
            for watch_id in downs:
                seen.setdefault(watch_id, now)
            time.sleep(0.005)
        owed = [(watch_id, slot_at) for watch_id, slot_at in conn.execute(_OWED)]
    assert len(seen) == SAMPLE, f"{SAMPLE - len(seen)} silences went unseen"
    first = dict(reversed(owed))  # the first miss of a watch is what flipped it
    return [(seen[one] - slot_at.timestamp()) * 1000 for one, slot_at in first.items()]


_DOWNS = select(tables.flips.c.watch_id).where(tables.flips.c.to_status == "down")
_OWED = (
    select(tables.runs.c.watch_id, tables.runs.c.slot_at)
    .where(tables.runs.c.outcome == "missed")
    .order_by(tables.runs.c.slot_at)
)


def took_ms(call: Any) -> float:
    """Return how long a call takes."""
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def resident_mib(pid: int) -> float:
    """Return the resident memory of a process. proc(5)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


# --- the table ----------------------------------------------------------------------------------


def _measured(database: str | None, count: int) -> Figures:
    with tempfile.TemporaryDirectory(prefix="dogwatch-bench-") as folder:
        data = Path(folder) / "data"
        served = Served(data, {"database": database} if database else {})
        url = database or f"sqlite:///{data}/dogwatch.db"
        try:
            return measure(served, url, count)
        finally:
            if served.process is not None:
                served.kill9()


def compared(store: str, ours: Figures, bare: Figures) -> Iterator[Row]:
    """Yield each figure beside that of the empty store."""
    told = {
        "delay of detection, p50": ("delay_p50_ms", " ms"),
        "delay of detection, p99": ("delay_p99_ms", " ms"),
        "kill -9 to the next ping accepted": ("restart_ms", " ms"),
        "resident memory": ("memory_mib", " MiB"),
        "/metrics": ("metrics_ms", " ms"),
        "a page of 100 watches": ("list_ms", " ms"),
        "removal of a watch": ("remove_ms", " ms"),
    }
    for what, (name, unit) in told.items():
        yield Row(f"{what}, {store}", getattr(ours, name), "no others", getattr(bare, name), unit)


def rows(counts: Sequence[int]) -> Iterator[Row]:
    """Measure each kind of store with so many watches, after one with none."""
    yield from _of("SQLite", [None] * (len(counts) + 1), counts)
    with running_postgres(DURABLE) as postgres:
        databases = [postgres.create(f"bench{count}") for count in (0, *counts)]
        yield from _of("PostgreSQL", databases, counts)


def _of(store: str, databases: Sequence[str | None], counts: Sequence[int]) -> Iterator[Row]:
    bare = _measured(databases[0], 0)
    for database, count in zip(databases[1:], counts, strict=True):
        yield from compared(f"{store}, {count:,} watches", _measured(database, count), bare)
