"""Output on its way to the store while a run is going: head and tail within a cap."""

import asyncio
import codecs
import contextlib
from collections import deque
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import structlog

from dogwatch.core.problems import Problem
from dogwatch.core.run import ATTEMPT_SEQS
from dogwatch.store import runs
from dogwatch.store.database import Database, Tx
from dogwatch.store.wakes import page_of

FLUSH_S = 0.25
CHUNK_LENGTH = 16 * 1024
CHUNKS = 4096
DEFAULT_CAP_BYTES = 1024 * 1024

_log = structlog.get_logger("dogwatch.worker")


@dataclass(slots=True)
class _Chunk:
    seq: int
    stream: str
    text: str
    size: int


class OutputWriter:
    """Writes chunks as they come; beyond half the cap, the oldest after the head make way.

    A jump in the stored sequence numbers is where output was dropped, or where the next attempt
    begins. `add` is cheap and may be called at any rate: no more than the cap is held, and no
    more than twice `CHUNKS` rows are kept, however small the pieces are.
    """

    def __init__(
        self, database: Database, key: tuple[int, str], attempt: int, cap_bytes: int
    ) -> None:
        self._database = database
        self._key = key
        self._half = cap_bytes // 2
        # Even of characters of four bytes each, a chunk fits into either half.
        self._length = max(min(CHUNK_LENGTH, self._half // 4), 1)
        self._decoders = {
            name: codecs.getincrementaldecoder("utf-8")("replace") for name in ("stdout", "stderr")
        }
        self._seq = (attempt - 1) * ATTEMPT_SEQS
        self._head_bytes = 0
        self._head_chunks = 0
        self._unwritten: dict[int, _Chunk] = {}
        self._tail: deque[_Chunk] = deque()
        self._tail_bytes = 0
        self._outdated: list[int] = []
        self._last: _Chunk | None = None
        self._stirred = asyncio.Event()  # there is something to write, or no more will come
        self._ended = asyncio.Event()
        self._patient = True
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
        """Write the rest, however long the database is away; a run that was stopped tries once."""
        for stream, decoder in self._decoders.items():
            self._append(stream, decoder.decode(b"", final=True))
        self._patient = kind is None
        self._ended.set()
        self._stirred.set()
        if self._flusher:
            await self._flusher

    def _append(self, stream: str, text: str) -> None:
        text = text.replace("\x00", "\ufffd")
        for start in range(0, len(text), self._length):
            piece = text[start : start + self._length]
            self._keep(stream, piece, len(piece.encode()))

    def _keep(self, stream: str, text: str, size: int) -> None:
        last = self._last
        if last and last.stream == stream and self._has_room(last, text, size):
            last.text += text
            last.size += size
            self._count(last, size)
            return
        chunk = self._last = self._unwritten[self._seq] = _Chunk(self._seq, stream, text, size)
        self._seq += 1
        self._stirred.set()
        if self._tail or self._head_bytes + size > self._half or self._head_chunks >= CHUNKS:
            self._tail.append(chunk)
        else:
            self._head_chunks += 1
        self._count(chunk, size)

    def _has_room(self, last: _Chunk, text: str, size: int) -> bool:
        """Whether a small piece may join the one before it, which is not written yet."""
        fits = bool(self._tail) or self._head_bytes + size <= self._half
        return fits and len(last.text) + len(text) <= self._length

    def _count(self, chunk: _Chunk, size: int) -> None:
        if not self._tail or self._tail[-1] is not chunk:
            self._head_bytes += size
            return
        self._tail_bytes += size
        while self._tail_bytes > self._half or len(self._tail) > CHUNKS:
            oldest = self._tail.popleft()
            self._tail_bytes -= oldest.size
            if self._unwritten.pop(oldest.seq, None) is None:
                self._outdated.append(oldest.seq)

    async def _keep_flushing(self) -> None:
        """Write what came, now and then, until the end and until nothing is left."""
        while not self._ended.is_set() or self._unwritten or self._outdated:
            await self._stirred.wait()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), FLUSH_S)
            if not await self._flush():
                if not self._patient:
                    return
                await asyncio.sleep(FLUSH_S)

    async def _flush(self) -> bool:
        """Write what is new; False if the database is away, to be tried again."""
        if not self._ended.is_set():
            self._stirred.clear()
        fresh, outdated = self._unwritten, self._outdated
        if not fresh and not outdated:
            return True
        self._unwritten, self._outdated, self._last = {}, [], None
        try:
            await self._database.awrite(lambda tx: self._write(tx, fresh, outdated))
        except Exception as error:  # the run itself must go on: its output is second to it
            if isinstance(error, Problem) and error.kind == "away":
                self._take_back(fresh, outdated)
                return False
            _log.warning("output not stored", run_id=self._key[1], error=type(error).__name__)
        return True

    def _take_back(self, fresh: dict[int, _Chunk], outdated: list[int]) -> None:
        """Keep for the next write what could not be written, except what made way meanwhile."""
        gone = set(self._outdated)
        self._unwritten = {
            seq: chunk for seq, chunk in (fresh | self._unwritten).items() if seq not in gone
        }
        self._outdated = [*outdated, *(seq for seq in self._outdated if seq not in fresh)]
        self._stirred.set()

    def _write(self, tx: Tx, fresh: dict[int, _Chunk], outdated: list[int]) -> None:
        chunks = [(one.seq, one.stream, one.text) for one in fresh.values()]
        runs.append_output(tx, *self._key, chunks)
        runs.drop_output(tx, *self._key, outdated)
        tx.wake("output")
        tx.wake(page_of(self._key[0]))
