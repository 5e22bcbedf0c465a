"""HTTP endpoints on loopback that answer as a test says, on the test's own event loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


def status(code: int, *headers: str) -> bytes:
    """Return an answer without a body."""
    lines = (f"HTTP/1.1 {code} Told", *headers, "Content-Length: 0", "Connection: close", "", "")
    return "\r\n".join(lines).encode()


@dataclass
class Endpoint:
    """Keeps what came, and answers with the next of `answers`; the last one stays. None hangs."""

    answers: list[bytes | None]
    port: int = 0
    ids: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    most: int = 0
    going: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        """The address to post to."""
        return f"http://127.0.0.1:{self.port}/hook"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request."""
        self.going += 1
        self.most = max(self.most, self.going)
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self._take(reader, writer)
        finally:
            self.going -= 1
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
        fields = dict(line.split(": ", 1) for line in head[1:] if line)
        self.ids.append(fields.get("webhook-id") or fields.get("idempotency-key", ""))
        self.bodies.append(await reader.readexactly(int(fields.get("content-length", "0"))))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            await self.ended.wait()
            return
        writer.write(answer)
        await writer.drain()


@asynccontextmanager
async def endpoint(*answers: bytes | None) -> AsyncIterator[Endpoint]:
    """Yield a running endpoint; without `answers` it takes everything."""
    told = Endpoint(list(answers) or [status(204)])
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(told.serve(reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    told.port = server.sockets[0].getsockname()[1]
    try:
        yield told
    finally:
        told.ended.set()
        server.close()
        await asyncio.gather(*tasks)
        await server.wait_closed()
