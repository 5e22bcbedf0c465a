"""The way out of one sandbox: an HTTP proxy that connects where `egress` lets it, and nowhere else.

It listens on the loopback of the sandbox's own network, where there is nothing besides: the fork
server makes the socket there, and we accept its connections here. Names are looked up here, too. It
tunnels (CONNECT), and hands on plain requests (absolute form), one on each connection.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from http import HTTPStatus
from socket import SHUT_WR, socket
from typing import Any

from dogwatch.core.problems import Problem
from dogwatch.core.proxying import MAX_HEAD_BYTES, target
from dogwatch.core.script_action import MIB
from dogwatch.egress import EgressError

PORT = 3128
URL = f"http://127.0.0.1:{PORT}"
CHUNK_BYTES = 65536
HEAD_S = 10.0
CONNECT_S = 15.0
END = b"\r\n\r\n"
ENVIRON: Mapping[str, str] = {
    **{f"{name}_proxy": URL for name in ("http", "https", "all")},
    **{f"{name}_PROXY": URL for name in ("HTTP", "HTTPS", "ALL")},
    "no_proxy": "127.0.0.1,localhost",
    "NO_PROXY": "127.0.0.1,localhost",
    "NODE_USE_ENV_PROXY": "1",
}

Connect = Callable[[str, int, float], Awaitable[socket]]


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one run may take of the network: connections at once and in all, MiB both ways."""

    at_once: int = 32
    connections: int = 10_000
    mib: int = 1024


class _RefusedError(Exception):
    """The proxy's answer to what it does not do."""

    def __init__(self, status: HTTPStatus, words: str) -> None:
        self.status = status
        self.words = words


class Proxy:
    """Serves one run; `connect` is that of `egress`, which judges each address."""

    def __init__(self, connect: Connect, allowance: Allowance = Allowance()) -> None:
        self._connect = connect
        self._allowance = allowance
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._left = allowance.connections
        self._bytes_left = allowance.mib * MIB

    def serve(self, listener: socket) -> None:
        """Accept what comes at a socket, which is ours to close."""
        listener.setblocking(False)
        self._begin(self._accept(listener))

    async def close(self) -> None:
        """End every connection."""
        for task in self._tasks:
            task.cancel()
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # a connection that broke is its script's own trouble

    async def _accept(self, listener: socket) -> None:
        turns = asyncio.Semaphore(self._allowance.at_once)
        with closing(listener):
            while True:
                await turns.acquire()  # those beyond wait in the listener's backlog
                client, _ = await self._loop.sock_accept(listener)
                client.setblocking(False)
                self._begin(self._conversation(client, turns))

    async def _conversation(self, client: socket, turns: asyncio.Semaphore) -> None:
        try:
            with closing(client):
                try:
                    await self._serve(client)
                except _RefusedError as refusal:
                    await self._loop.sock_sendall(client, _answer(refusal))
        finally:
            turns.release()

    async def _serve(self, client: socket) -> None:
        self._left -= 1
        if self._left < 0:
            most = self._allowance.connections
            raise _RefusedError(HTTPStatus.TOO_MANY_REQUESTS, f"at most {most} connections a run")
        head, more = await self._head(client)
        try:
            asked = target(head)
        except Problem as problem:
            raise _RefusedError(HTTPStatus.BAD_REQUEST, problem.message) from None
        with closing(await self._connected(asked.host, asked.port)) as server:
            if asked.tunnel:
                await self._loop.sock_sendall(client, b"HTTP/1.1 200 Connected" + END)
            await self._loop.sock_sendall(server, asked.opening + more)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._relay(client, server))
                both.create_task(self._relay(server, client))

    async def _head(self, client: socket) -> tuple[bytes, bytes]:
        """Return the head of a request and what came after it."""
        heard = b""
        with suppress(TimeoutError):
            async with asyncio.timeout(HEAD_S):
                while END not in heard and len(heard) < MAX_HEAD_BYTES:
                    if not (piece := await self._loop.sock_recv(client, CHUNK_BYTES)):
                        break
                    heard += piece
        head, end, more = heard.partition(END)
        if not end or len(head) > MAX_HEAD_BYTES:
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "no whole request within 10 s and 32 KiB")
        return head + end, more

    async def _connected(self, host: str, port: int) -> socket:
        try:
            return await self._connect(host, port, CONNECT_S)
        except EgressError as error:
            refused = error.kind == "blocked"
            status = HTTPStatus.FORBIDDEN if refused else HTTPStatus.BAD_GATEWAY
            raise _RefusedError(status, f"{host}:{port}: {error}") from None

    async def _relay(self, source: socket, sink: socket) -> None:
        """Hand on all that comes; an end, too."""
        while piece := await self._loop.sock_recv(source, CHUNK_BYTES):
            self._bytes_left -= len(piece)
            if self._bytes_left < 0:
                raise ConnectionAbortedError("no more for this run")
            await self._loop.sock_sendall(sink, piece)
        with suppress(OSError):
            sink.shutdown(SHUT_WR)


def _answer(refusal: _RefusedError) -> bytes:
    body = f"dogwatch: {refusal.words}\n".encode()
    head = (
        f"HTTP/1.1 {refusal.status.value} {refusal.status.phrase}\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + body
