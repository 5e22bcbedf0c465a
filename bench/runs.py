"""Runs a second through the whole engine: a no-op HTTP job, and `bash -c true`, each beside its
bare loop.

    python -m bench.runs [--count 1000] [--store SQLite|PostgreSQL]

The runs wait in the queue when the engine starts; each job has one of them. The baselines do the
same work with as much at once and keep nothing: plain fetches, plain subprocesses. Both sides
take turns.
"""

import argparse
import asyncio
import logging
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import structlog
import uvloop

from bench.egress import server, through_egress
from bench.pings import DURABLE
from bench.spawn import bare as bare_script
from bench.table import Row, markdown
from bench.turns import Sample, in_turns
from dogwatch import config
from dogwatch.boot.process import assemble
from dogwatch.boot.store import Store, alone, opened
from dogwatch.config import Config
from dogwatch.core.run import Policy
from dogwatch.core.spec import WatchSpec
from dogwatch.egress import Egress
from dogwatch.engine.intake import Intake
from dogwatch.store import tasks, watches
from dogwatch.store.database import Tx
from dogwatch.usecases import jobs, runs, workspaces
from dogwatch.usecases.jobs import JobSpec
from tests.eventually import eventually_async
from tests.harness.postgres import running_postgres

COUNT, PER_WRITE = 1_000, 100
SCRIPT = {"language": "bash", "source": "true\n"}
STORES = ("SQLite", "PostgreSQL")
REQUESTS_PER_SCRIPT = 4


def add(store: Store, kind: str, action: Mapping[str, Any], count: int) -> list[str]:
    """Make jobs that never come due by themselves; return their watches' ids."""

    def made(tx: Tx, number: int) -> str:
        at = store.clock.now()
        owner = workspaces.first(tx, at)
        spec = JobSpec(
            WatchSpec(name=f"{kind} {number}", schedule="@yearly"), kind, action, Policy()
        )
        return jobs.add(tx, owner.id, spec, store.vault, at).id

    making = [store.database.write(partial(made, number=number)) for number in range(count)]
    return [one.result() for one in making]


def queue(store: Store, watch_ids: Sequence[str]) -> None:
    """Trigger each job once."""

    def told(tx: Tx, some: Sequence[str]) -> None:
        at = store.clock.now()
        owner = workspaces.first(tx, at)
        for watch_id in some:
            record = watches.by_id(tx, owner.id, watch_id, lock=True)
            assert record
            runs.trigger(tx, record, "", at)

    for first in range(0, len(watch_ids), PER_WRITE):
        some = watch_ids[first : first + PER_WRITE]
        store.database.write(partial(told, some=some)).result()


async def worked_off(settings: Config, store: Store) -> float:
    """Return the seconds that an engine needs for all that is queued."""
    began = time.perf_counter()
    async with working(settings, store):
        await all_done(store)
        return time.perf_counter() - began


@asynccontextmanager
async def working(settings: Config, store: Store) -> AsyncIterator[None]:
    """Have an engine work inside the block."""
    egress = Egress(allow=settings.allow_private_targets)
    engine = assemble(settings, store, egress, Intake(store.database, store.clock))
    await engine.start("bench", alone=alone(settings))
    try:
        yield
    finally:
        await engine.stop(10)
        await egress.close()


async def all_done(store: Store) -> None:
    """Wait until nothing is queued."""
    await eventually_async(lambda: not store.database.read(tasks.depth).result(), within_s=300)


async def spawned(seconds: float, concurrency: int) -> float:
    """Return bare subprocesses per second with so many at once."""
    began, done = time.perf_counter(), 0

    async def one_after_the_other() -> None:
        nonlocal done
        while time.perf_counter() - began < seconds:
            await bare_script()
            done += 1

    await asyncio.gather(*(one_after_the_other() for _ in range(concurrency)))
    return done / (time.perf_counter() - began)


@contextmanager
def configured(store: str) -> Iterator[Config]:
    """Yield the settings of a server with a new store of a kind."""
    with tempfile.TemporaryDirectory(prefix="dogwatch-bench-") as folder:
        flags = {"data": str(Path(folder) / "data"), "allow_private_targets": "true"}
        if store == "SQLite":
            yield config.load(flags, {})
            return
        with running_postgres(DURABLE) as postgres:
            yield config.load(flags | {"database_url": postgres.create("bench")}, {})


def measure(store_name: str, count: int) -> Iterator[Row]:
    """Measure one store."""
    with configured(store_name) as settings, opened(settings) as store, server() as url:
        at_once = settings.http_concurrency, settings.script_concurrency
        plain = {
            "http": lambda: Sample(uvloop.run(through_egress(url, 1.0, at_once[0]))),
            "script": lambda: Sample(uvloop.run(spawned(1.0, at_once[1]))),
        }
        work = ("http", "HTTP", {"method": "GET", "url": url}, count), (
            "script", "bash -c true", SCRIPT, count // REQUESTS_PER_SCRIPT,
        )  # fmt: skip
        for kind, what, action, number in work:
            ids = add(store, kind, action, number)
            found = in_turns({"ours": partial(work_off, settings, store, ids), "bare": plain[kind]})
            ours, bare = found["ours"], found["bare"]
            told = f"runs, {store_name}, {what}"
            yield Row(told, ours.rate, "the bare loop", bare.rate, cpu_us=ours.cpu_us)


def work_off(settings: Config, store: Store, ids: Sequence[str]) -> Sample:
    """Queue a run of each job, and measure the engine until the last has ended."""
    queue(store, ids)
    before = time.process_time()
    took_s = uvloop.run(worked_off(settings, store))
    return Sample(len(ids) / took_s, (time.process_time() - before) / len(ids) * 1e6)


def quiet() -> None:
    """Keep what the engine says out of the table."""
    least = structlog.make_filtering_bound_logger(logging.ERROR)
    structlog.configure(wrapper_class=least)


def rows(count: int = COUNT, stores: Sequence[str] = STORES) -> Iterator[Row]:
    """Measure each store."""
    quiet()
    for store in stores:
        yield from measure(store, count)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--store", choices=STORES)
    given = parser.parse_args()
    for line in markdown(rows(given.count, [given.store] if given.store else STORES)):
        print(line, flush=True)
