"""Pings per second, durable, against the same edge with an inbox that answers at once.

64 clients and 64 watches; the client, the server and PostgreSQL share the machine. CPU is that of
the server alone.
"""

import multiprocessing
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.pool import Pool
from pathlib import Path

import uvloop

from bench.pinger import CLIENTS, Pinger
from bench.table import Row
from bench.turns import ROUNDS, Sample, cpu_s, in_turns
from dogwatch.clock import SystemClock
from dogwatch.core.ping import Answer, Heard
from dogwatch.web.edge import EdgeLimits, server
from dogwatch.web.inbox import PingInbox
from dogwatch.web.pings import Pings, Receive, Scope, Send
from tests.eventually import eventually
from tests.harness.ports import free_port
from tests.harness.postgres import running_postgres
from tests.harness.served import Served, listening

SECONDS = 1.0
# What PostgreSQL finds out about its tables within a minute, it does within a second here.
DURABLE = ("max_connections=50", "shared_buffers=128MB", "autovacuum_naptime=1s")
MODES = {"keep-alive": True, "a connection per ping": False}


@dataclass(frozen=True, slots=True)
class Door:
    """A process that takes pings at some paths."""

    port: int
    paths: list[str]
    pid: int

    def measure(self, client: Pool, *, keep_alive: bool) -> Sample:
        """Return what a client in a process of its own was answered."""
        before = cpu_s(self.pid)
        rate, answered = client.apply(_ping, (self.port, self.paths, keep_alive))
        return Sample(rate, (cpu_s(self.pid) - before) / answered * 1e6)


def _ping(port: int, paths: list[str], keep_alive: bool) -> tuple[float, int]:
    pinger = Pinger(port, paths, keep_alive)
    return pinger.rate(SECONDS), pinger.answered


@contextmanager
def inbox() -> Iterator[Door]:
    """Serve an inbox that answers at once."""
    port = free_port()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_serve, args=(port,), daemon=True)
    process.start()
    eventually(lambda: listening(port), what="the inbox listens")
    yield Door(port, [f"/ping/{n:08}-bench" for n in range(CLIENTS)], process.pid or 0)
    process.kill()
    process.join()


def _serve(port: int) -> None:
    app = Pings(PingInbox(_record), SystemClock(), _other)
    uvloop.run(server(app, "127.0.0.1", port, EdgeLimits()).serve())


async def _other(scope: Scope, receive: Receive, send: Send) -> None:
    """Stand in for everything that is no ping."""


async def _record(pings: Sequence[Heard]) -> Sequence[Answer]:
    """Answer at once."""
    return [Answer.RECORDED] * len(pings)


@contextmanager
def dogwatch(flags: dict[str, str]) -> Iterator[Door]:
    """Serve Dogwatch itself, with a watch for each client."""
    with tempfile.TemporaryDirectory(prefix="dogwatch-bench-") as folder:
        served = Served(Path(folder) / "data", flags).start()
        body = {"name": "Bench", "schedule": "*/5 * * * *"}
        made = [served.post("/watches", body)["ping_url"] for _ in range(CLIENTS)]
        yield Door(served.port, [url.removeprefix(served.url) for url in made], served.pid)
        served.stop()


def rows(rounds: int = ROUNDS) -> Iterator[Row]:
    """Measure each store in each mode and the inbox in turns."""
    client = multiprocessing.get_context("spawn").Pool(1)
    with running_postgres(DURABLE) as postgres, inbox() as bare, client:
        stores = {"SQLite": {}, "PostgreSQL": {"database": postgres.create("bench")}}
        for store, flags in stores.items():
            with dogwatch(flags) as ours:
                for mode, keep in MODES.items():
                    doors = {"bare": bare, "ours": ours}
                    sides = {
                        name: partial(door.measure, client, keep_alive=keep)
                        for name, door in doors.items()
                    }
                    found = in_turns(sides, rounds)
                    yield _row(f"pings, {store}, {mode}", found)


def _row(what: str, found: dict[str, Sample]) -> Row:
    ours, bare = found["ours"], found["bare"]
    told = f"no store ({bare.cpu_us:.0f} µs each)"
    return Row(what, ours.rate, told, bare.rate, cpu_us=ours.cpu_us)
