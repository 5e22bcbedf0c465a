"""Workflows end to end through the whole engine, beside bare subprocesses of the same scripts.

    python -m bench.workflows [--store SQLite|PostgreSQL] [--flows 100]

One of five nodes in a row, again and again, against five spawns; then many of ten nodes at once
(a row of two, six side by side, a join and an end) against as many spawns with as much at once.
"""

import argparse
import asyncio
import time
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise

import uvloop

from bench.runs import (
    SCRIPT,
    STORES,
    add,
    all_done,
    configured,
    queue,
    quiet,
    spawned,
    worked_off,
    working,
)
from bench.spawn import bare
from bench.table import Row, markdown
from bench.turns import Sample, in_turns
from dogwatch.boot.store import Store, opened
from dogwatch.config import Config
from dogwatch.core.run import Overlap, Policy
from dogwatch.core.spec import WatchSpec
from dogwatch.core.workflow.definition import Definition
from dogwatch.core.workflow.graph import Edge, Graph, Node
from dogwatch.store.database import Tx
from dogwatch.usecases import workflows, workspaces

FLOWS, ROW, ONE_BY_ONE = 100, 5, 5
BRANCHES = tuple("cdefgh")
WIDE = (
    ("a", "b"),
    *(("b", one) for one in BRANCHES),
    *((one, "i") for one in BRANCHES),
    ("i", "j"),
)


def graph(edges: Sequence[tuple[str, str]], jobs: Sequence[str]) -> Graph:
    """Return a graph whose nodes are some jobs."""
    keys = list(dict.fromkeys(key for edge in edges for key in edge))
    nodes = tuple(Node(key, job) for key, job in zip(keys, jobs, strict=True))
    return Graph(nodes, tuple(Edge(*edge) for edge in edges))


def make(store: Store, name: str, drawn: Graph) -> str:
    """Make a workflow; return its watch's id."""

    def made(tx: Tx) -> str:
        at = store.clock.now()
        spec = WatchSpec(name=name, start_by_s=None)
        definition = Definition(spec, drawn, Policy(overlap=Overlap.ALLOW))
        owner = workspaces.first(tx, at)
        return workflows.add(tx, owner.id, definition, store.vault, at).id

    return store.database.write(made).result()


async def one_by_one(settings: Config, store: Store, flow: str) -> float:
    """Return how often a second a workflow runs, each time after the one before."""
    async with working(settings, store):
        for turn in range(ONE_BY_ONE + 1):
            if turn == 1:  # the first has the fork server started
                began = time.perf_counter()
            await asyncio.to_thread(queue, store, [flow])
            await all_done(store)
        return ONE_BY_ONE / (time.perf_counter() - began)


async def five_spawns() -> float:
    """Return how often a second five bare scripts run, one after the other."""
    began = time.perf_counter()
    for _ in range(ONE_BY_ONE * ROW):
        await bare()
    return ONE_BY_ONE / (time.perf_counter() - began)


def at_once(settings: Config, store: Store, flows: Sequence[str]) -> Sample:
    """Run many workflows at once; return nodes a second."""
    queue(store, flows)
    nodes = 10 * len(flows)
    before = time.process_time()
    took_s = uvloop.run(worked_off(settings, store))
    return Sample(nodes / took_s, (time.process_time() - before) / nodes * 1e6)


def measure(store_name: str, flows: int) -> Iterator[Row]:
    """Measure one store."""
    with configured(store_name) as settings, opened(settings) as store:
        jobs = add(store, "script", SCRIPT, 10)
        keys = "abcde"
        row = make(store, "row", graph(list(pairwise(keys)), jobs[:ROW]))
        found = in_turns(
            {
                "ours": lambda: Sample(uvloop.run(one_by_one(settings, store, row))),
                "bare": lambda: Sample(uvloop.run(five_spawns())),
            }
        )
        told = f"workflows of 5 nodes in a row, {store_name}"
        yield Row(told, found["ours"].rate, "5 bare spawns", found["bare"].rate)
        many = [make(store, f"wide {n}", graph(WIDE, jobs)) for n in range(flows)]
        found = in_turns(
            {
                "ours": partial(at_once, settings, store, many),
                "bare": lambda: Sample(uvloop.run(spawned(1.0, settings.script_concurrency))),
            },
            rounds=2,
        )
        ours, told = found["ours"], f"nodes of {flows} workflows at once, {store_name}"
        yield Row(told, ours.rate, "bare spawns", found["bare"].rate, cpu_us=ours.cpu_us)


def rows(flows: int = FLOWS, stores: Sequence[str] = STORES) -> Iterator[Row]:
    """Measure each store."""
    quiet()
    for store in stores:
        yield from measure(store, flows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--store", choices=STORES)
    parser.add_argument("--flows", type=int, default=FLOWS)
    given = parser.parse_args()
    for line in markdown(rows(given.flows, [given.store] if given.store else STORES)):
        print(line, flush=True)
