"""Endpoints on loopback that never answer, each in its own way, in a thread of their own."""

import asyncio
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
DRIP_S = 1.0
# socket(7): with a linger time of nought, closing resets the connection.
RESET = struct.pack("ii", 1, 0)


@dataclass(slots=True)
class Hanging:
    """Addresses by the kind of endpoint, and how many requests or handshakes each kind met."""

    urls: dict[str, str] = field(default_factory=dict)
    met: Counter[str] = field(default_factory=Counter)
    open: set[asyncio.Transport] = field(default_factory=set)


class Silent(asyncio.Protocol):
    """Reads and says nothing; to a client of TLS this is a stalled handshake."""

    def __init__(self, hanging: Hanging, kind: str) -> None:
        self.hanging, self.kind = hanging, kind
        self.begun = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it
        self.hanging.open.add(self.transport)

    def data_received(self, data: bytes) -> None:
        del data
        if not self.begun:
            self.begun = True
            self.hanging.met[self.kind] += 1
            self.answer()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.hanging.open.discard(self.transport)

    def answer(self) -> None:
        """Answer in the endpoint's own way."""


class Dripping(Silent):
    """Answers a byte a second."""

    def answer(self, left: bytes = ANSWER) -> None:
        if left and not self.transport.is_closing():
            self.transport.write(left[:1])
            asyncio.get_running_loop().call_later(DRIP_S, self.answer, left[1:])


class Resetting(Silent):
    """Resets the connection as soon as a request comes."""

    def answer(self) -> None:
        own: socket.socket = self.transport.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.transport.abort()


KINDS: dict[str, tuple[type[Silent], str]] = {
    "silent": (Silent, "http"),
    "dripping": (Dripping, "http"),
    "resetting": (Resetting, "http"),
    "stalled TLS": (Silent, "https"),
}


@contextmanager
def hanging_endpoints() -> Iterator[Hanging]:
    """Yield one running endpoint of each kind."""
    hanging, up = Hanging(), threading.Event()
    end: list[Callable[[], object]] = []
    thread = threading.Thread(target=lambda: _run(_serve(hanging, up, end)))
    thread.start()
    assert up.wait(30)
    yield hanging
    end[0]()
    thread.join()


def _run(serving: Coroutine[Any, Any, None]) -> None:
    """Serve on asyncio's own loop: uvloop's opens what comes while its servers close, and leaves
    it unclosed."""
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(serving)


async def _serve(hanging: Hanging, up: threading.Event, end: list[Callable[[], object]]) -> None:
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    servers = []
    for kind, (answering, scheme) in KINDS.items():
        made = partial(answering, hanging, kind)
        server = await loop.create_server(made, "127.0.0.1", 0, backlog=1024)
        hanging.urls[kind] = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
        servers.append(server)
    end.append(lambda: loop.call_soon_threadsafe(over.set))
    up.set()
    await over.wait()
    await _stop(servers)
    while hanging.open:
        for transport in list(hanging.open):
            transport.abort()
        await asyncio.sleep(0)


async def _stop(servers: Sequence[asyncio.Server]) -> None:
    """Close servers once what they have accepted is open.

    A connection that asyncio has accepted, but not yet opened, as its server closes is forgotten
    and left unclosed (github.com/python/cpython/issues/109564): that warns in another test.
    """
    loop = asyncio.get_running_loop()
    for server in servers:
        for listening in server.sockets:
            loop.remove_reader(listening)
    while coming := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(coming)
    for server in servers:
        server.close()
