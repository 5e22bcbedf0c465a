"""A transport that sends what one turn of the loop writes in one piece."""

import asyncio
from typing import Any


class Corked(asyncio.Transport):
    """Keeps writes until the turn ends: head and body of an answer cost one system call.

    uvicorn writes them one after the other, and uvloop sends each write at once.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._kept: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send `data` when this turn of the loop ends."""
        if not self._kept:
            self._loop.call_soon(self._flush)
        self._kept.append(bytes(data))

    def _flush(self) -> None:
        data, self._kept = b"".join(self._kept), []
        if data and not self._transport.is_closing():  # the client may be gone by now
            self._transport.write(data)

    def close(self) -> None:
        """Send what is kept, then close."""
        self._flush()
        self._transport.close()

    def write_eof(self) -> None:
        """Send what is kept, then close our half."""
        self._flush()
        self._transport.write_eof()

    def abort(self) -> None:
        """Close at once; what is kept is dropped."""
        self._kept.clear()
        self._transport.abort()

    def get_write_buffer_size(self) -> int:
        """Return the bytes that have not left yet."""
        return self._transport.get_write_buffer_size() + sum(map(len, self._kept))

    def can_write_eof(self) -> bool:
        """Return whether `write_eof` is to be had."""
        return self._transport.can_write_eof()

    def is_closing(self) -> bool:
        """Return whether it is closed or about to be."""
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        """Read no more for now."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what the transport knows of itself."""
        return self._transport.get_extra_info(name, default)
