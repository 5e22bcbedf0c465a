"""The spool: pings on this machine's disk for as long as the database is away.

`DATA/spool/<id>/<number>.log` is appended to by one process, which holds the lock of its folder.
A record is the length and CRC-32 of what follows (4 bytes each, little endian), then JSON. A
segment ends where that no longer holds: whatever is behind was never acknowledged.
"""

import errno
import fcntl
import json
import os
import struct
import tempfile
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dogwatch import directory
from dogwatch.core.ping import Heard, Kind
from dogwatch.core.problems import Problem

SEGMENT_BYTES = 16 * 1024 * 1024
LIMIT_BYTES = 1_000_000_000
PROBE_BYTES = 16 * 1024  # more than any ping

_HEAD = struct.Struct("<II")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIELDS = tuple(field.name for field in fields(Heard))
_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Entry:
    """A spooled ping. `tried`: the database may have recorded it; `end`: the offset behind it."""

    heard: Heard
    kept_at: datetime
    tried: bool
    end: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A file that is no longer appended to; `since_at` is the time of its first record."""

    path: Path
    since_at: datetime

    @property
    def spool_id(self) -> str:
        """Whose it is."""
        return self.path.parent.name

    @property
    def number(self) -> int:
        """Its place among the segments of that spool."""
        return int(self.path.stem)

    def read(self, offset: int, limit: int) -> list[Entry]:
        """Return up to `limit` entries from `offset` on; none at its end."""
        return read(self.path, offset, limit)


# --- records ----------------------------------------------------------------------------------


def record(heard: Heard, kept_at: datetime, *, tried: bool) -> bytes:
    """Return the bytes of one record."""
    values: dict[str, Any] = {name: getattr(heard, name) for name in _FIELDS}
    values |= {"at": _microseconds(heard.at), "kept_at": _microseconds(kept_at), "tried": tried}
    data = _encode(values).encode()
    return _HEAD.pack(len(data), zlib.crc32(data)) + data


def read(path: Path, offset: int, limit: int) -> list[Entry]:
    """Return up to `limit` entries from `offset` on, as far as they are whole."""
    entries: list[Entry] = []
    with path.open("rb") as file:
        file.seek(offset)
        while len(entries) < limit:
            head = file.read(_HEAD.size)
            if len(head) < _HEAD.size:
                break
            length, checksum = _HEAD.unpack(head)
            data = file.read(length)
            # A file may end in zeros after a power cut; they would be the record of nothing.
            if not length or len(data) < length or zlib.crc32(data) != checksum:
                break
            offset += _HEAD.size + length
            entries.append(_entry(data, offset))
    return entries


def _entry(data: bytes, end: int) -> Entry:
    values = json.loads(data)
    tried, kept_at = values.pop("tried"), _instant(values.pop("kept_at"))
    values |= {"at": _instant(values["at"]), "kind": Kind(values["kind"])}
    return Entry(Heard(**values), kept_at, tried, end)


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _instant(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


# --- one file ---------------------------------------------------------------------------------


class _Log:
    """The file that is appended to. `sync` serves all who wrote before it: one flush for many."""

    def __init__(self, path: Path, since_at: datetime) -> None:
        self.segment = Segment(path, since_at)
        self.written = 0
        self.broken = False
        self._synced = 0
        self._syncing = threading.Lock()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(path, flags, 0o600)

    def write(self, data: bytes) -> int:
        """Append and return the new end; after an error nothing of it is left."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError:
            self._cut()
            raise
        self.written += len(data)
        return self.written

    def _cut(self) -> None:
        try:
            os.ftruncate(self._file, self.written)
        except OSError:
            self.broken = True

    def sync(self, end: int) -> None:
        """Return once everything before `end` is on the disk."""
        with self._syncing:
            if self._synced >= end:
                return
            if self.broken:
                raise OSError(errno.EIO, "an earlier flush failed")
            target = self.written
            try:
                os.fdatasync(self._file)
            except OSError:
                # What was to be flushed may be gone, and the next flush would not tell.
                self.broken = True
                raise
            self._synced = target

    def close(self) -> None:
        """Flush what can be flushed and close."""
        try:
            self.sync(self.written)
        except OSError:
            self.broken = True  # those who wait for a flush are told by theirs
        finally:
            os.close(self._file)


# --- the folder -------------------------------------------------------------------------------


class Spool:
    """The spool of one process, and those that killed processes left. Any thread may call it.

    Nothing is made on disk before the first ping. `limit_bytes` bounds all segments together.
    """

    def __init__(
        self,
        root: Path,
        spool_id: str,
        limit_bytes: int = LIMIT_BYTES,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        self._root = root
        self._own = root / spool_id
        self._limit_bytes = limit_bytes
        self._segment_bytes = segment_bytes
        self._lock = threading.Lock()
        self._log: _Log | None = None
        self._count = 0
        self._folders: dict[Path, int] = {}
        self._sealed: list[Segment] = []
        self._bytes = 0
        if root.is_dir():
            with _alone_in(root):
                self._adopt()

    def append(self, batch: Sequence[Heard], at: datetime, *, tried: bool = False) -> None:
        """Keep pings on disk; `Problem("away")` where the disk or the spool is full.

        `tried`: they were sent to the database, and nobody knows what became of them there.
        """
        data = b"".join(record(heard, at, tried=tried) for heard in batch)
        try:
            log, end = self._write(data, at)
            log.sync(end)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else "it failed"
            raise Problem("away", f"not recorded: no database, no spool: {reason}") from error

    def probe(self) -> None:
        """Show that a ping would be kept now; `Problem("away")` where the disk or spool is full."""
        try:
            with self._lock:
                self._need_room(PROBE_BYTES)
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self._root) as file:
                file.write(bytes(PROBE_BYTES))
                file.flush()
                os.fdatasync(file.fileno())
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else "it failed"
            raise Problem("away", f"pings cannot be spooled: {reason}") from error

    @property
    def since_at(self) -> datetime | None:
        """The time of the oldest ping in it, None when empty."""
        with self._lock:
            times = [segment.since_at for segment in self._sealed]
            if self._log and self._log.written:
                times.append(self._log.segment.since_at)
        return min(times, default=None)

    def oldest(self) -> Segment | None:
        """Return the segment that is to be folded next; it is appended to no more."""
        with self._lock:
            if not self._sealed:
                self._seal()
            return self._sealed[0] if self._sealed else None

    def remove(self, segment: Segment, *, refused: bool = False) -> None:
        """Delete a segment for good, or set it aside because of what the database refused."""
        with self._lock:
            self._sealed.remove(segment)
            self._bytes = max(0, self._bytes - segment.path.stat().st_size)
            if refused:
                segment.path.replace(self._root / f"{segment.spool_id}-{segment.path.stem}.refused")
            else:
                segment.path.unlink()
            os.fsync(self._folders[segment.path.parent])
            if segment.path.parent != self._own:
                self._release(segment.path.parent)

    def close(self) -> None:
        """Leave what is in it to the next process."""
        with self._lock:
            if self._log:
                self._log.close()
                if not self._log.written:
                    self._log.segment.path.unlink()
                self._log = None
            for folder in list(self._folders):
                self._release(folder, at_end=True)

    def _write(self, data: bytes, at: datetime) -> tuple[_Log, int]:
        with self._lock:
            self._need_room(len(data))
            if self._log and (self._log.broken or self._log.written >= self._segment_bytes):
                self._seal()
            if self._log is None:
                self._log = self._open(at)
            log = self._log
            since_at = min(at, log.segment.since_at) if log.written else at
            end = log.write(data)
            log.segment = replace(log.segment, since_at=since_at)
            self._bytes += len(data)
            return log, end

    def _need_room(self, count: int) -> None:
        if self._bytes + count > self._limit_bytes:
            raise OSError(errno.EDQUOT, "the spool is full")

    def _open(self, at: datetime) -> _Log:
        if self._own not in self._folders:
            self._make_own()
        self._count += 1
        log = _Log(self._own / f"{self._count:08}.log", at)
        try:
            os.fsync(self._folders[self._own])
        except OSError:
            log.close()
            raise
        return log

    def _make_own(self) -> None:
        """Make and lock our folder, so that its name survives a power cut as its files do."""
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone_in(self._root) as root:
            self._own.mkdir(mode=0o700, exist_ok=True)
            self._folders[self._own] = _locked(self._own)
            os.fsync(root)
        directory.sync(self._root.parent)

    def _seal(self) -> None:
        log = self._log
        if log is None or not (log.written or log.broken):
            return
        self._log = None
        log.close()
        self._sealed.append(log.segment)

    def _adopt(self) -> None:
        """Take over the folders that no living process holds, oldest first."""
        for folder in sorted(path for path in self._root.iterdir() if path.is_dir()):
            try:
                self._folders[folder] = _locked(folder)
            except BlockingIOError:
                continue
            for path in sorted(folder.glob("*.log")):
                self._take(path)
            self._release(folder)

    def _take(self, path: Path) -> None:
        first = read(path, 0, 1)
        if first:
            self._sealed.append(Segment(path, first[0].kept_at))
            self._bytes += path.stat().st_size
        else:
            path.unlink()

    def _release(self, folder: Path, *, at_end: bool = False) -> None:
        """Let go of a folder that is empty, or of any at the end."""
        empty = not any(folder.iterdir())
        if empty:
            folder.rmdir()
        if empty or at_end:
            os.close(self._folders.pop(folder))


@contextmanager
def _alone_in(root: Path) -> Iterator[int]:
    """Hold the lock of all folders while one is made or taken over."""
    held = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield held
    finally:
        os.close(held)


def _locked(folder: Path) -> int:
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(held)
        raise
    return held
