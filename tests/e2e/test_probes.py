"""Probes of a real server: from two locations on one PostgreSQL, through kill -9 and back."""

import asyncio
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.e2e.conftest import Serve
from tests.eventually import eventually
from tests.harness.served import PROGRAM, Served

LOOPBACK = {"allow_private_targets": "127.0.0.0/8"}


class Endpoint:
    """Answers 200, or 500 while it is broken for those whose user agent is named."""

    def __init__(self) -> None:
        self.broken_for: tuple[str, ...] = ()
        self.asked: Counter[str] = Counter()
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        agent = head.lower().partition("user-agent: ")[2].partition("\r\n")[0]
        self.asked[agent] += 1
        status = "500 Broken" if agent in self.broken_for else "200 OK"
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nok".encode())
        writer.close()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """An endpoint on loopback, in a thread of its own."""
    told, up = Endpoint(), threading.Event()
    ends: list[Callable[[], object]] = []

    async def run() -> None:
        over = asyncio.Event()
        server = await asyncio.start_server(told.serve, "127.0.0.1", 0)
        told.port = server.sockets[0].getsockname()[1]
        loop = asyncio.get_running_loop()
        ends.append(lambda: loop.call_soon_threadsafe(over.set))
        up.set()
        await over.wait()
        server.close()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    assert up.wait(30)
    yield told
    ends[0]()
    thread.join()


@contextmanager
def worker(served: Served, location: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a node elsewhere on the same database, until the end of the block."""
    where = [f"--{name}={value}" for name, value in served.flags.items()]
    given = [*PROGRAM, "worker", *where, "--location", location, "--user-agent", location]
    with served.log.open("ab") as log:
        process = subprocess.Popen(given, stdout=log, stderr=log, env=served.environ)
    try:
        yield process
    finally:
        process.terminate()
        assert process.wait(60) in (0, -9)


def probe(served: Served, endpoint: Endpoint, **given: Any) -> Any:
    target = {"kind": "http", "url": f"http://127.0.0.1:{endpoint.port}/"}
    body = {"name": "Shop", "schedule": "1", "target": target, "rechecks": 0} | given
    return served.post("/probes", body)


def status(served: Served) -> str:
    return str(served.get("/probes/shop")["status"])


def test_two_locations_decide_together(postgres_url: str, serve: Serve, endpoint: Endpoint) -> None:
    served = serve(database=postgres_url, **LOOPBACK)
    probe(served, endpoint, locations=["here", "fra"], agree=2)
    with worker(served, "fra"):
        eventually(lambda: status(served) == "up", what="one that sees it well is enough")
        (here,) = endpoint.asked
        endpoint.broken_for = (here,)
        eventually(lambda: endpoint.asked["fra"] > 1, what="the other is asked")
        assert status(served) == "up"
        endpoint.broken_for = (here, "fra")
        eventually(lambda: status(served) == "down", what="both agree that it is down")
        endpoint.broken_for = ()
        eventually(lambda: status(served) == "up", what="both agree that it is back")
    reasons = [run["reason"] for run in served.get("/runs?watch=shop&outcome=fail")["data"]]
    assert any(reason.startswith("2 of 2 locations: ") for reason in reasons)


def test_a_server_that_was_killed_asks_again_within_the_interval(
    serve: Serve, endpoint: Endpoint
) -> None:
    served = serve(**LOOPBACK)
    probe(served, endpoint)
    eventually(lambda: endpoint.asked.total() > 2, what="it is asked")
    served.kill9()
    died = time.monotonic()
    eventually(lambda: time.monotonic() - died > 1, what="it is away for long enough to be noted")
    endpoint.asked.clear()
    served.start()
    eventually(lambda: endpoint.asked.total() > 2, what="it is asked again")
    eventually(lambda: status(served) == "up", what="it is up")
    outcomes = {run["outcome"] for run in served.every("/runs?watch=shop")}
    assert outcomes <= {"ok", "unknown", "skipped"}
    window = served.get("/watches/shop/statistics")["windows"][0]
    assert (window["bad"], window["uptime_percent"]) == (0, 100.0)
    assert window["gaps"] != []
