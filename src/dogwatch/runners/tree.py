"""A script's process tree as the server sees it: its output, its end, and how to end it.

The server starts `supervisor.py`, which does the rest; see there. Between the two there is one
socket pair: the exit status comes out of it, shutting it down ends the tree.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from dogwatch.runners.orphans import Supervisors

Sink = Callable[[str, bytes], None]

CHUNK_BYTES = 65536
PATIENCE_S = 1.5  # for the supervisor, which needs 0.8 s at the very worst
DRAIN_S = 0.25  # for a pipe that an unkillable process holds open
SWEEPS = 20
SUPERVISORS = Supervisors()
SUPERVISOR = Path(__file__).with_name("supervisor.py")


class Stream:
    """Reads one pipe as fast as the sink takes it; nothing waits in between."""

    def __init__(self, name: str, fd: int, sink: Sink) -> None:
        self._name = name
        self._fd = fd
        self._sink = sink
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[Exception | None] = self._loop.create_future()
        os.set_blocking(fd, False)
        self._loop.add_reader(fd, self._read)

    def close(self) -> None:
        """Stop reading; a writer that is left gets SIGPIPE."""
        self._end(None)

    def _read(self) -> None:
        try:
            chunk = os.read(self._fd, CHUNK_BYTES)
            if chunk:
                self._sink(self._name, chunk)
            else:
                self._end(None)
        except BlockingIOError:
            return
        except Exception as fault:  # the sink's: raised when the tree is closed
            self._end(fault)

    def _end(self, fault: Exception | None) -> None:
        if not self.ended.done():
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self.ended.set_result(fault)


class Tree:
    """A running supervisor.

    `reported` is done when the script has ended: "exit N", "signal N", "error ERRNO", or "" when
    the supervisor was killed. `ended` is done when the supervisor has left, and with it
    everything below.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        pidfd: int,
        control: socket.socket,
        streams: Sequence[Stream],
    ) -> None:
        loop = asyncio.get_running_loop()
        self._process = process
        self._control = control
        self._streams = streams
        self._pidfd = pidfd
        self._born = 0
        self.reported: asyncio.Future[str] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()
        loop.add_reader(control.fileno(), self._on_report)
        loop.add_reader(pidfd, self._on_exit)

    async def close(self, mark: str) -> None:
        """End the tree if it lives, read what is left, let go; raise what the sink raised.

        Processes of a supervisor that was killed itself are found as orphans that came to us, and
        where somebody else adopts them by `mark` ("NAME=value" in the script's environment).
        """
        with suppress(OSError):
            self._control.shutdown(socket.SHUT_WR)
            self._process.send_signal(signal.SIGCONT)  # the script may have stopped it
        await asyncio.wait({self.ended}, timeout=PATIENCE_S)
        if not self.ended.done():
            self._process.kill()
            await self.ended
        if self._process.returncode:
            await asyncio.to_thread(SUPERVISORS.sweep, self._born)
            await asyncio.to_thread(sweep, mark)
        await self.reported  # at the latest its end of file, now that nobody can write
        await self._drain()
        self._control.close()
        for stream in self._streams:
            if fault := stream.ended.result():
                raise fault

    async def _drain(self) -> None:
        await asyncio.wait([stream.ended for stream in self._streams], timeout=DRAIN_S)
        for stream in self._streams:
            stream.close()

    def _on_report(self) -> None:
        asyncio.get_running_loop().remove_reader(self._control.fileno())
        try:
            words = self._control.recv(256).decode()
        except ConnectionError:
            words = ""
        self.reported.set_result(words.partition("\n")[0])

    def _on_exit(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._process.wait()
        self._born = SUPERVISORS.end(self._process.pid)
        self.ended.set_result(None)


def plant(
    command: Sequence[bytes],
    *,
    env: Mapping[bytes, bytes],
    home: Path,
    given: Path,
    limits: Mapping[int, int],
    sink: Sink,
) -> Tree:
    """Start a command below a supervisor; OSError if that can't be.

    `given` is the file that becomes standard input, `limits` are resource limits as in
    setrlimit(2), `sink` takes ("stdout" | "stderr", chunk).
    """
    limit_words = " ".join(f"{kind}={value}" for kind, value in limits.items())
    python: list[str | bytes] = [sys.executable, "-I", "-S", "-X", "utf8", str(SUPERVISOR)]
    with ExitStack() as theirs, ExitStack() as ours:
        control, far = socket.socketpair()
        theirs.enter_context(far)
        ours.enter_context(control)
        control.setblocking(False)
        outs = [pipe(ours, theirs) for _ in range(2)]
        process = SUPERVISORS.start(
            lambda: subprocess.Popen(
                [*python, limit_words, str(given), *command],
                stdin=far.fileno(),
                stdout=outs[0][1],
                stderr=outs[1][1],
                env=env,
                cwd=home,
                start_new_session=True,
            )
        )
        pidfd = os.pidfd_open(process.pid)
        ours.pop_all()
    streams = [Stream(name, outs[n][0], sink) for n, name in enumerate(("stdout", "stderr"))]
    return Tree(process, pidfd, control, streams)


def pipe(ours: ExitStack, theirs: ExitStack) -> tuple[int, int]:
    """Make a pipe whose ends are closed by the one stack and the other."""
    reader, writer = os.pipe()
    ours.callback(os.close, reader)
    theirs.callback(os.close, writer)
    return reader, writer


def sweep(mark: str) -> None:
    """Kill every process that carries `mark` in its environment, until none is found."""
    for _ in range(SWEEPS):
        marked = [pid for pid in _others() if mark.encode() in _environment(pid)]
        if not marked:
            return
        for pid in marked:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def _others() -> list[int]:
    pids = (int(entry.name) for entry in os.scandir("/proc") if entry.name.isdecimal())
    return [pid for pid in pids if pid != os.getpid()]


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
