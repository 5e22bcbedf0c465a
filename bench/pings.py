"""Pings per second, durable, against the same edge with an inbox that answers at once.

64 clients and 64 watches; the client, the server and PostgreSQL share the machine.
"""

import multiprocessing
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

from bench.edge import other, record
from bench.pinger import CLIENTS, Pinger
from bench.table import Row
from dogwatch.clock import SystemClock
from dogwatch.web.edge import EdgeLimits, server
from dogwatch.web.inbox import PingInbox
from dogwatch.web.pings import Pings
from tests.eventually import eventually
from tests.harness.postgres import running_postgres
from tests.harness.served import Served, free_port, listening

SECONDS, ROUNDS = 1.0, 2
DURABLE = ("max_connections=50", "shared_buffers=128MB")
MODES = {"keep-alive": True, "a connection per ping": False}


def measure(port: int, paths: list[str], *, keep_alive: bool) -> float:
    """Return pings per second of a client in a process of its own."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_rate, (port, paths, keep_alive))


def _rate(port: int, paths: list[str], keep_alive: bool) -> float:
    return Pinger(port, paths, keep_alive).rate(SECONDS)


@contextmanager
def inbox() -> Iterator[tuple[int, list[str]]]:
    """Serve an inbox that answers at once."""
    port = free_port()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_serve, args=(port,), daemon=True)
    process.start()
    eventually(lambda: listening(port), what="the inbox listens")
    yield port, [f"/ping/{number:08}-bench" for number in range(CLIENTS)]
    process.kill()
    process.join()


def _serve(port: int) -> None:
    app = Pings(PingInbox(record), SystemClock(), other)
    uvloop.run(server(app, "127.0.0.1", port, EdgeLimits()).serve())


@contextmanager
def dogwatch(flags: dict[str, str]) -> Iterator[tuple[int, list[str]]]:
    """Serve Dogwatch itself, with a watch for each client."""
    with tempfile.TemporaryDirectory(prefix="dogwatch-bench-") as folder:
        served = Served(Path(folder) / "data", flags).start()
        body = {"name": "Bench", "schedule": "*/5 * * * *"}
        made = [served.post("/watches", body)["ping_url"] for _ in range(CLIENTS)]
        yield served.port, [url.removeprefix(served.url) for url in made]
        served.stop()


def rows() -> Iterator[Row]:
    """Measure each store in each mode and the inbox in turns; the best of each counts."""
    with running_postgres(DURABLE) as postgres, inbox() as bare:
        stores = {"SQLite": {}, "PostgreSQL": {"database": postgres.create("bench")}}
        for store, flags in stores.items():
            with dogwatch(flags) as ours:
                for mode, keep in MODES.items():
                    best = {"bare": 0.0, "ours": 0.0}
                    for name, (port, paths) in (("bare", bare), ("ours", ours)) * ROUNDS:
                        found = measure(port, paths, keep_alive=keep)
                        best[name] = max(best[name], found)
                    yield Row(f"pings, {store}, {mode}", best["ours"], "no store", best["bare"])
