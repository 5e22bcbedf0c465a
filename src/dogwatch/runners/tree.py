"""A script's process tree as the server sees it: its output, its end, and how to end it.

The fork server starts a supervisor, which does the rest; see `supervisor.py`. Between it and us
there is one socket pair: the exit status comes out of it, shutting it down ends the tree.
"""

import asyncio
import json
import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

from dogwatch.runners.launcher import Launcher, Supervised

Sink = Callable[[str, bytes], None]

CHUNK_BYTES = 65536
PATIENCE_S = 1.5  # for the supervisor, which needs 0.8 s at the very worst
DRAIN_S = 0.25  # for a pipe that an unkillable process holds open
SWEEPS = 20


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
        self, launcher: Launcher, control: socket.socket, streams: Sequence[Stream]
    ) -> None:
        loop = asyncio.get_running_loop()
        self.number = 0
        self._launcher = launcher
        self._control = control
        self._streams = streams
        self._left_well = False
        self.reported: asyncio.Future[str] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()
        loop.add_reader(control.fileno(), self._on_report)

    async def close(self, mark: str) -> None:
        """End the tree if it lives, read what is left, let go; raise what the sink raised.

        Processes of a supervisor that was killed itself are found by the fork server, and where
        somebody else adopts them by `mark` ("NAME=value" in the script's environment).
        """
        with suppress(OSError):
            self._control.shutdown(socket.SHUT_WR)
        if not self.reported.done():  # the script may have stopped it
            self._launcher.wake(self.number)
        await self._end()
        if not self._left_well:
            await asyncio.to_thread(sweep, mark)
        await self.reported  # at the latest its end of file, now that nobody can write
        await self._drain()
        self._control.close()
        for stream in self._streams:
            if fault := stream.ended.result():
                raise fault

    async def _end(self) -> None:
        for stronger in (partial(self._launcher.kill, self.number), self._launcher.give_up):
            await asyncio.wait({self.ended}, timeout=PATIENCE_S)
            if self.ended.done():
                return
            stronger()
        await self.ended

    async def _drain(self) -> None:
        await asyncio.wait([stream.ended for stream in self._streams], timeout=DRAIN_S)
        for stream in self._streams:
            stream.close()

    def _on_report(self) -> None:
        try:
            words = self._control.recv(256).decode()
        except ConnectionError:
            words = ""
        self._report(words.partition("\n")[0])

    def _report(self, words: str) -> None:
        if not self.reported.done():
            asyncio.get_running_loop().remove_reader(self._control.fileno())
            self.reported.set_result(words)

    def on_exit(self, code: int) -> None:
        """Hear how the supervisor ended."""
        self._left_well = code == 0

    def on_gone(self, error: int | None) -> None:
        """Be over; with an error it has never begun."""
        if error is not None:
            self._report(f"error {error}")
        self.ended.set_result(None)

    def on_lost(self) -> None:
        """Be over with the fork server."""
        self.ended.set_result(None)


def plant(
    launcher: Launcher,
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    home: Path,
    given: Path,
    limits: Mapping[int, int],
    sink: Sink,
) -> Tree:
    """Start a command below a supervisor; OSError if that can't be.

    `given` is the file that becomes standard input, `limits` are resource limits as in
    setrlimit(2), `sink` takes ("stdout" | "stderr", chunk).
    """
    told = {
        "command": command, "env": env, "home": str(home), "given": str(given), "limits": limits
    }  # fmt: skip
    with ExitStack() as theirs, ExitStack() as ours:
        control, far = socket.socketpair()
        theirs.enter_context(far)
        ours.enter_context(control)
        control.setblocking(False)
        outs = [pipe(ours, theirs) for _ in range(2)]
        order = Supervised([far.fileno(), outs[0][1], outs[1][1], _held(told, theirs)])
        streams = [Stream(name, outs[n][0], sink) for n, name in enumerate(("stdout", "stderr"))]
        tree = Tree(launcher, control, streams)
        try:
            tree.number = launcher.launch(order, tree)
        except OSError:
            asyncio.get_running_loop().remove_reader(control.fileno())
            for stream in streams:
                stream.close()
            control.close()
            raise
        finally:
            ours.pop_all()  # the tree has it all by now
    return tree


def _held(told: Mapping[str, Any], stack: ExitStack) -> int:
    """Return a file in memory with what the supervisor alone is told."""
    fd = os.memfd_create("dogwatch", os.MFD_CLOEXEC)
    stack.callback(os.close, fd)
    with os.fdopen(fd, "wb", closefd=False) as file:
        file.write(json.dumps(told).encode())
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


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
