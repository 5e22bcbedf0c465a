"""A simple read of the API, with its key and its limits, against the same read without both.

Reads per second of the server's own CPU time, so that the client costs neither side: of rounds that
take turns, the one whose ratio is in the middle. The plan of the limited side has two windows that
never fill.
"""

import asyncio
import multiprocessing
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, cast

import uvloop
from fastapi import Request

from bench.table import Row
from bench.turns import cpu_s
from dogwatch.boot.limits import limits
from dogwatch.boot.store import Store, make_key, opened
from dogwatch.config import Config, load
from dogwatch.core.plans import PLANS, Plan
from dogwatch.core.spec import WatchSpec
from dogwatch.store import workspaces as stored
from dogwatch.usecases import callers, pings, watches, workspaces
from dogwatch.web.api import auth
from dogwatch.web.app import build
from dogwatch.web.edge import EdgeLimits, server
from dogwatch.web.services import Services
from tests.eventually import eventually
from tests.harness.ports import free_port
from tests.harness.postgres import running_postgres
from tests.harness.served import listening

SECONDS, ROUNDS, CLIENTS = 0.8, 11, 16
PLAN = Plan("bench", requests_per_minute=10**9, requests_per_day=10**9)


class Reader(asyncio.Protocol):
    """Asks again as soon as it is answered."""

    def __init__(self, request: bytes) -> None:
        self.request, self.answered, self.seen = request, 0, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.seen += data
        if not self.seen.endswith(b"}"):  # head and body may come apart
            return
        if not self.seen.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"not the answer to a read: {self.seen!r}")
        self.seen, self.answered = b"", self.answered + 1
        self.transport.write(self.request)


async def _read(port: int, token: str) -> int:
    """Return how many reads were answered."""
    request = (
        "GET /api/v1/watches?limit=1 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {token}\r\n\r\n"
    ).encode()
    loop = asyncio.get_running_loop()
    found = [
        await loop.create_connection(lambda: Reader(request), "127.0.0.1", port)
        for _ in range(CLIENTS)
    ]
    await asyncio.sleep(SECONDS)
    for transport, _ in found:
        transport.abort()
    return sum(reader.answered for _, reader in found)


@contextmanager
def _serving(config: dict[str, Any], *, bare: bool) -> Iterator[tuple[int, int, str]]:
    """Serve in a process of its own; yield its port, its id and a key."""
    port = free_port()
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(config, port, bare, there), daemon=True)
    process.start()
    token = here.recv()
    eventually(lambda: listening(port), what="the API listens")
    yield port, process.pid or 0, token
    process.kill()
    process.join()


def _serve(given: dict[str, Any], port: int, bare: bool, told: Connection) -> None:
    cast("dict[str, Plan]", PLANS)[PLAN.name] = PLAN
    config = load(given, {})
    with opened(config) as store:
        told.send(_prepared(store))
        uvloop.run(_serving_forever(config, store, port, bare))


def _prepared(store: Store) -> str:
    """Have one watch and the plan; return a key."""
    at = store.clock.now()
    home = store.database.write(lambda tx: workspaces.first(tx, at)).result()
    spec = WatchSpec(name="Bench", schedule="every 1h")
    store.database.write(lambda tx: watches.add(tx, home.id, spec, at)).result()
    store.database.write(lambda tx: stored.change(tx, home.id, plan=PLAN.name)).result()
    return make_key(store, "bench", ["read:watches"])


async def _serving_forever(config: Config, store: Store, port: int, bare: bool) -> None:
    async with limits(config, store) as limited:
        if bare:
            auth.authenticate = _anybody
        services = Services(
            door=store.database, clock=store.clock, vault=store.vault, base_url=config.base_url,
            record_pings=lambda batch: store.database.awrite(
                lambda tx: pings.record(tx, batch, store.clock.now())
            ),
            stopping=asyncio.Event(), dialect=store.database.dialect,
            limits=None if bare else limited,
        )  # fmt: skip
        await server(build(services), "127.0.0.1", port, EdgeLimits()).serve()


async def _anybody(request: Request) -> callers.Caller:
    return callers.host(1)


def rows() -> Iterator[Row]:
    """Measure each store, the two sides in turns."""
    with running_postgres() as postgres:
        for name in ("SQLite", "PostgreSQL"):
            with tempfile.TemporaryDirectory(prefix="dogwatch-bench-") as folder:
                sides = {}
                for bare in (False, True):
                    sides[bare] = {"data": f"{folder}/{bare}"}
                    if name == "PostgreSQL":
                        sides[bare]["database_url"] = postgres.create(f"limits_{bare}".lower())
                ours, bare_side = _compared(sides[False], sides[True])
            yield Row(f"an API read with key and limits, {name}", ours, "without both", bare_side)


def _compared(ours: dict[str, Any], bare: dict[str, Any]) -> tuple[float, float]:
    """Return the reads per CPU second of both."""
    with _serving(ours, bare=False) as one, _serving(bare, bare=True) as two:
        _rate(*one), _rate(*two)  # warm
        rounds = [(_rate(*one), _rate(*two)) for _ in range(ROUNDS)]
    return sorted(rounds, key=lambda pair: pair[0] / pair[1])[ROUNDS // 2]


def _rate(port: int, pid: int, token: str) -> float:
    before = cpu_s(pid)
    answered = uvloop.run(_read(port, token))
    return answered / (cpu_s(pid) - before)
