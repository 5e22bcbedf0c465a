"""Output on its way to the store while a run is going: head and tail within a cap."""

import asyncio
import codecs
import contextlib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import structlog

from dogwatch.store import runs
from dogwatch.store.database import Database, Tx

FLUSH_S = 0.25
CHUNK_LENGTH = 16 * 1024
DEFAULT_CAP_BYTES = 1024 * 1024

_log = structlog.get_logger("dogwatch.worker")


@dataclass(slots=True)
class _Chunk:
    seq: int
    stream: str
    text: str

    @property
    def size(self) -> int:
        return len(self.text.encode())


class OutputWriter:
    """Writes chunks as they come; beyond half the cap, the oldest after the head make way.

    A jump in the stored sequence numbers is where output was dropped. `add` is cheap and may be
    called at any rate: between two writes little more than the cap is held.
    """

    def __init__(self, database: Database, key: tuple[int, str], action: Mapping[str, Any]) -> None:
        self._database = database
        self._key = key
        self._half = int(action.get("output_cap_bytes", DEFAULT_CAP_BYTES)) // 2
        self._decoders = {
            name: codecs.getincrementaldecoder("utf-8")("replace") for name in ("stdout", "stderr")
        }
        self._seq = 0
        self._head_bytes = 0
        self._unwritten: dict[int, _Chunk] = {}
        self._tail: deque[_Chunk] = deque()
        self._tail_bytes = 0
        self._outdated: list[int] = []
        self._last: _Chunk | None = None
        self._flusher: asyncio.Task[None] | None = None

    def add(self, stream: str, chunk: bytes) -> None:
        """Take the next bytes of a stream; NUL and invalid UTF-8 are replaced."""
        self._append(stream, self._decoders[stream].decode(chunk))

    async def __aenter__(self) -> Self:
        """Begin to write now and then."""
        self._flusher = asyncio.create_task(self._keep_flushing())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write the rest."""
        if self._flusher:
            self._flusher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._flusher
        for stream, decoder in self._decoders.items():
            self._append(stream, decoder.decode(b"", final=True))
        await self._flush()

    def _append(self, stream: str, text: str) -> None:
        text = text.replace("\x00", "\ufffd")
        for start in range(0, len(text), CHUNK_LENGTH):
            self._keep(_Chunk(self._seq, stream, text[start : start + CHUNK_LENGTH]))

    def _keep(self, chunk: _Chunk) -> None:
        last = self._last
        if last and last.stream == chunk.stream and len(last.text) < CHUNK_LENGTH // 4:
            last.text += chunk.text
            self._grow(last, chunk.size)
            return
        self._seq += 1
        self._last = self._unwritten[chunk.seq] = chunk
        if self._head_bytes < self._half:
            self._head_bytes += chunk.size
            return
        self._tail.append(chunk)
        self._grow(chunk, chunk.size)

    def _grow(self, chunk: _Chunk, size: int) -> None:
        if not self._tail or self._tail[-1] is not chunk:
            self._head_bytes += size
            return
        self._tail_bytes += size
        while self._tail_bytes > self._half and len(self._tail) > 1:
            oldest = self._tail.popleft()
            self._tail_bytes -= oldest.size
            if self._unwritten.pop(oldest.seq, None) is None:
                self._outdated.append(oldest.seq)

    async def _keep_flushing(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            await self._flush()

    async def _flush(self) -> None:
        fresh, outdated = self._unwritten, self._outdated
        if not fresh and not outdated:
            return
        self._unwritten, self._outdated, self._last = {}, [], None
        try:
            await self._database.awrite(lambda tx: self._write(tx, list(fresh.values()), outdated))
        except Exception as error:  # the run itself must go on: its output is second to it
            _log.warning("output not stored", run_id=self._key[1], error=type(error).__name__)

    def _write(self, tx: Tx, fresh: list[_Chunk], outdated: list[int]) -> None:
        runs.append_output(tx, *self._key, [(one.seq, one.stream, one.text) for one in fresh])
        runs.drop_output(tx, *self._key, outdated)
        tx.wake("output")
