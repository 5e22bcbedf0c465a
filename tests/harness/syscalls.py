"""What a process asked of the kernel, in order, as strace(1) wrote it down."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path

from tests.eventually import eventually
from tests.harness.served import PROGRAM, Served

FILES = (
    "openat", "?open", "?creat", "?mkdir", "mkdirat", "?rename", "?renameat", "renameat2", "?link",
    "linkat", "?symlink", "symlinkat", "?unlink", "unlinkat", "?rmdir", "pwrite64", "pwritev",
    "truncate", "ftruncate", "fallocate", "copy_file_range", "sendfile", "fsync", "fdatasync",
)  # fmt: skip
STREAMS = ("read", "recvfrom", "recvmsg", "write", "writev", "sendto", "sendmsg")

LONGEST = 8192  # of what is moved at once: SQLite writes page by page, a ping is shorter
NAMES = 4096  # what a call is about stands in front of what it moves

_STARTS = re.compile(rb"(\d+) +(\w+)\((.*)", re.DOTALL)
_RESUMES = re.compile(rb"(\d+) +<\.\.\. \w+ resumed>(.*)", re.DOTALL)
_UNFINISHED = b" <unfinished ...>\n"
_RESULT = re.compile(rb"\) += (-?\d+|\?)([^\n]*)\n$")
_STRING = re.compile(rb'"((?:\\x[0-9a-f]{2})*)"')
_DECORATED = re.compile(rb"<([^>]*)>")
_NUMBERS = re.compile(rb", (-?\d+)(?=,|$)")


def tracing(trace: Path) -> tuple[str, ...]:
    """Return what to put before a command. It stays our own child; strace is a grandchild."""
    assert shutil.which("strace"), "these tests need strace: tools/setup.sh tests"
    calls = ",".join((*FILES, *STREAMS))
    return ("strace", "-D", "-f", "--seccomp-bpf", "-y", "-xx", "-s", str(LONGEST),
            "-o", str(trace), "-e", f"trace={calls}")  # fmt: skip


class Traced(Served):
    """A server under strace; each of its lives leaves a trace.

    Its log and traces lie outside the folder that holds the data directory."""

    def __init__(self, data: Path, program: tuple[str, ...] = PROGRAM) -> None:
        super().__init__(data)
        self._untraced = program
        self.traces: list[Path] = []

    @property
    def log(self) -> Path:
        return self.data.parent.with_suffix(".log")

    def start(self) -> Served:
        self.traces.append(self.log.with_suffix(f".trace-{len(self.traces) + 1}"))
        self.program = (*tracing(self.traces[-1]), *self._untraced)
        started = super().start()
        self.program = self._untraced
        return started

    def __enter__(self) -> "Traced":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            self.kill9()

    def finish(self, *, politely: bool) -> None:
        """End this life and wait until its trace is written out."""
        last = f"{self.pid} ".encode()
        self.stop() if politely else self.kill9()
        eventually(lambda: _ended(self.traces[-1], last), what="strace has written everything")


def _ended(trace: Path, pid: bytes) -> bool:
    with trace.open("rb") as file:
        file.seek(-min(trace.stat().st_size, 4096), 2)
        return any(line.startswith(pid) and b"+++ " in line for line in file)


@dataclass(frozen=True, eq=False)
class Call:
    """One system call: `begun` and `ended` are places in the trace, `result` None if killed."""

    name: str
    text: bytes
    result: int | None
    opened: bytes
    begun: int
    ended: int

    @cached_property
    def strings(self) -> list[bytes]:
        """Return the strings among the arguments."""
        return [_plain(found) for found in _STRING.findall(self.text)]

    @cached_property
    def data(self) -> bytes:
        """Return what was moved: strings are cut where the result says so."""
        whole = b"".join(self.strings)
        assert self.result is None or len(whole) >= self.result or b'"...' not in self.text
        return whole if self.result is None else whole[: max(self.result, 0)]

    @cached_property
    def file(self) -> str:
        """Return what the first descriptor stood for: a path, or `socket:[number]`."""
        found = _DECORATED.search(self.text)
        return _readable(found[1]) if found else ""

    @property
    def number(self) -> int:
        """Return the last number among the arguments: an offset, a length."""
        return int(_NUMBERS.findall(self.text)[-1])

    @property
    def words(self) -> bytes:
        """Return the arguments without their strings: flags and numbers."""
        return _STRING.sub(b"", self.text)


def _plain(quoted: bytes) -> bytes:
    return bytes.fromhex(quoted.replace(b"\\x", b"").decode())


def _readable(decorated: bytes) -> str:
    return (_plain(decorated) if decorated.startswith(b"\\x") else decorated).decode()


def read(traces: list[Path], folder: Path) -> tuple[list[Call], list[int]]:
    """Return the calls that touch sockets or anything below `folder`, and where each trace ends.

    Places are counted through from trace to trace.
    """
    below = _quoted(str(folder)) + rb'(?:[>"]|\\x2f)'
    wanted = re.compile(b"|".join((below, _quoted("socket:"), b"<socket:")))
    places, calls, ends = count(), list[Call](), list[int]()
    for trace in traces:
        calls += _calls(trace, wanted, places)
        ends.append(next(places))
    return calls, ends


def _quoted(text: str) -> bytes:
    return re.escape(b"".join(b"\\x%02x" % byte for byte in text.encode()))


def _calls(trace: Path, wanted: re.Pattern[bytes], places: Iterator[int]) -> Iterator[Call]:
    waiting: dict[bytes, tuple[str, bytes, int]] = {}
    with trace.open("rb") as lines:
        for line in lines:
            place = next(places)
            if starts := _STARTS.match(line):
                pid, name, rest = starts[1], starts[2].decode(), starts[3]
                if not wanted.search(rest, 0, NAMES):
                    continue
                if rest.endswith(_UNFINISHED):
                    waiting[pid] = (name, rest.removesuffix(_UNFINISHED), place)
                else:
                    yield _call(name, rest, place, place)
            elif (resumes := _RESUMES.match(line)) and resumes[1] in waiting:
                name, rest, begun = waiting.pop(resumes[1])
                yield _call(name, rest + resumes[2], begun, place)
    for name, rest, begun in waiting.values():
        yield Call(name, rest, None, b"", begun, next(places))


def _call(name: str, text: bytes, begun: int, ended: int) -> Call:
    found = _RESULT.search(text)
    assert found, text[-200:]
    result = None if found[1] == b"?" else int(found[1])
    return Call(name, text[: found.start()], result, found[2], begun, ended)
