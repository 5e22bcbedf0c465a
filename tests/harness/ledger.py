"""The ledger client: many clients ping, and every request and every 2xx is written down."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

PAUSE_S = 0.02
PATIENCE_S = 10.0


@dataclass(slots=True)
class Ledger:
    """What was sent and what was acknowledged, by rid; `file` holds the same, line by line."""

    file: TextIO
    sent: dict[str, str] = field(default_factory=dict)
    acked: set[str] = field(default_factory=set)
    refused: int = 0

    @classmethod
    def at(cls, path: Path) -> "Ledger":
        return cls(path.open("w", buffering=1))

    def send(self, rid: str, body: str) -> None:
        self.sent[rid] = body
        self.file.write(f"sent {rid}\n")

    def hear(self, rid: str, status: int) -> None:
        """Write down an answer: a 2xx is a promise, 503 is none, anything else is a fault."""
        self.file.write(f"{status} {rid}\n")
        if 200 <= status < 300:
            self.acked.add(rid)
        else:
            assert status == 503, (rid, status)
            self.refused += 1


@dataclass(slots=True)
class Client:
    """One client: pings one key after the other, over one connection or a fresh one each time.

    It rests for `every_s` after each.
    """

    number: int
    port: int
    keys: Sequence[str]
    ledger: Ledger
    keep_alive: bool
    sequence: int = 0
    every_s: float = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Ping until told to stop, through every death of the server."""
        while not stop.is_set():
            try:
                await self._session(stop)
            except (OSError, asyncio.IncompleteReadError, TimeoutError):
                await _pause(stop)

    async def _session(self, stop: asyncio.Event) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            while not stop.is_set():
                await asyncio.wait_for(self._ping(reader, writer), PATIENCE_S)
                if self.every_s:
                    await _pause(stop, self.every_s)
                if not self.keep_alive:
                    return
        finally:
            writer.close()

    async def _ping(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if writer.is_closing():  # where uvloop knows of it, a write is a RuntimeError
            raise ConnectionResetError
        self.sequence += 1
        rid = f"{self.number}-{self.sequence}"
        body = f"client {self.number} sequence {self.sequence}"
        key = self.keys[(self.number + self.sequence) % len(self.keys)]
        stays = "keep-alive" if self.keep_alive else "close"
        self.ledger.send(rid, body)
        writer.write(
            f"POST /ping/{key}?rid={rid} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: {stays}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        self.ledger.hear(rid, await _answer(reader))


async def _answer(reader: asyncio.StreamReader) -> int:
    """Read one answer to its end and return its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    lengths = [line for line in head.lower().splitlines() if line.startswith("content-length:")]
    await reader.readexactly(int(lengths[0].partition(":")[2]))
    return int(head.split(" ", 2)[1])


async def _pause(stop: asyncio.Event, seconds: float = PAUSE_S) -> None:
    """Wait a moment, for a server that is away or between pings, or for the end."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
