"""Requests per second through the edge and the ping door, with an inbox that answers at once.

    python -m bench.edge [seconds] [connections]

One process serves, another asks: keep-alive connections, one request in flight on each.
"""

import asyncio
import multiprocessing
import resource
import sys
import time
from collections.abc import Sequence
from typing import cast

import uvloop

from dogwatch.clock import SystemClock
from dogwatch.core.ping import Answer, Heard
from dogwatch.web.edge import EdgeLimits, server
from dogwatch.web.inbox import PingInbox
from dogwatch.web.pings import Pings, Receive, Scope, Send

PORT = 18_417
REQUEST = (
    b"POST /ping/0b3e7f1c-9d52-4a86-8c1e-5f2a7d90c4b6 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"User-Agent: bench\r\nContent-Length: 4\r\n\r\ndone"
)


class Client(asyncio.Protocol):
    """Asks again as soon as it is answered; notes how long each answer took."""

    def __init__(self, took_s: list[float]) -> None:
        self.took_s = took_s

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.ask()

    def ask(self) -> None:
        self.asked_at = time.perf_counter()
        self.transport.write(REQUEST)

    def data_received(self, data: bytes) -> None:
        if not data.endswith(b"OK"):  # head and body may come apart
            return
        self.took_s.append(time.perf_counter() - self.asked_at)
        self.ask()


async def other(scope: Scope, receive: Receive, send: Send) -> None:
    """Stand in for everything that is no ping."""


async def record(pings: Sequence[Heard]) -> Sequence[Answer]:
    """Answer at once."""
    return [Answer.RECORDED] * len(pings)


def serve() -> None:
    """Serve until killed."""
    app = Pings(PingInbox(record), SystemClock(), other)
    uvloop.run(server(app, "127.0.0.1", PORT, EdgeLimits()).serve())


async def ask(seconds: int, connections: int) -> list[float]:
    """Keep every connection busy for so long; return what each answer took."""
    took_s: list[float] = []
    loop = asyncio.get_running_loop()
    clients = [
        await loop.create_connection(lambda: Client(took_s), "127.0.0.1", PORT)
        for _ in range(connections)
    ]
    await asyncio.sleep(seconds)
    for transport, _ in clients:
        transport.abort()
    return sorted(took_s)


def main() -> None:
    """Print what was measured."""
    seconds, connections = map(int, [*sys.argv[1:], *("3", "64")[len(sys.argv) - 1 :]])
    server_process = multiprocessing.Process(target=serve, daemon=True)
    server_process.start()
    time.sleep(1)
    took_s = uvloop.run(ask(seconds, connections))
    server_process.kill()
    server_process.join()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_us = (used.ru_utime + used.ru_stime) / len(took_s) * 1e6
    p50, p99 = (took_s[int(len(took_s) * share)] * 1000 for share in (0.5, 0.99))
    print(f"{len(took_s) / seconds:,.0f} pings/s, {cpu_us:.0f} µs of CPU each")
    print(f"p50 {p50:.2f} ms, p99 {p99:.2f} ms")


if __name__ == "__main__":
    main()
