"""The server's side of the fork server, which starts runs: see `forkserver.py`."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Protocol, cast

from dogwatch.runners.frames import LENGTH, say
from dogwatch.runners.orphans import CHILDREN, starters

PROGRAM = Path(__file__).with_name("forkserver.py")
CHUNK_BYTES = 65536
MOST_FILES = 16


class Launched(Protocol):
    """Whom a launcher tells what becomes of a supervisor."""

    def on_exit(self, code: int) -> None:
        """Hear how it ended: its status, or a signal as a negative number."""

    def on_gone(self, error: int | None) -> None:
        """Hear that nothing is left of it, or the errno of what could not be started."""

    def on_lost(self) -> None:
        """Hear that the fork server has died, and it with it."""


class Boxed(Launched, Protocol):
    """Whom a launcher tells what becomes of a sandbox: besides, how it came to be."""

    def on_first(self, pid: int) -> None:
        """Hear which process is the first inside."""

    def on_listening(self, listener: socket.socket) -> None:
        """Take the socket in the sandbox's network."""

    def on_fault(self, number: int) -> None:
        """Hear the errno of what keeps the sandbox from running; it ends."""


class Order(Protocol):
    """What to start."""

    def files(self) -> Sequence[int]:
        """Return the open files that go with it."""

    def frame(self) -> Mapping[str, Any]:
        """Return what the fork server is told."""


@dataclass(frozen=True, slots=True)
class Supervised:
    """A supervisor to start, with its files: control, output, error, and what it is told."""

    fds: Sequence[int]

    def files(self) -> Sequence[int]:
        """Return its files."""
        return self.fds

    def frame(self) -> Mapping[str, Any]:
        """Return the frame."""
        return {"supervised": True}


@dataclass(frozen=True, slots=True)
class Enclosed:
    """What to start: a command for bwrap whose files are `fds`, as its numbers 0, 1, …

    `limits` are by number as in setrlimit(2), `counts` by the names in /proc/sys/user; `group` is
    the open `cgroup.procs` to join, if any; `port` is where a socket is to listen in the sandbox's
    own network, 0 for none.
    """

    command: Sequence[str]
    fds: Sequence[int]
    limits: Mapping[int, int]
    counts: Mapping[str, int]
    group: int | None = None
    port: int = 0

    def files(self) -> Sequence[int]:
        """Return its files, and that of its group."""
        return [*self.fds, *([] if self.group is None else [self.group])]

    def frame(self) -> Mapping[str, Any]:
        """Return the frame."""
        return {
            "command": self.command,
            "limits": {str(kind): most for kind, most in self.limits.items()},
            "counts": self.counts,
            "joins": self.group is not None,
            "port": self.port,
        }


@dataclass(frozen=True, slots=True)
class InCell:
    """A run within what surrounds the fork server; its files: errand, output, error.

    `group` is the open `cgroup.procs` to join, if any.
    """

    fds: Sequence[int]
    group: int | None = None

    def files(self) -> Sequence[int]:
        """Return its files, and that of its group."""
        return [*self.fds, *([] if self.group is None else [self.group])]

    def frame(self) -> Mapping[str, Any]:
        """Return the frame."""
        return {"joins": self.group is not None}


class Wall(Protocol):
    """What surrounds a fork server, and becomes it; equal ones are the same."""

    def command(self, stack: ExitStack) -> tuple[Sequence[str], Sequence[int]]:
        """Return the command, and the files that it is to have open, as long as the stack."""


class Launcher:
    """Has runs started as the user `uid`, None for our own, who then sees what holds `paths`.

    It starts the fork server when first needed, and anew after its death, or where `wall` tells of
    another wall around it. It belongs to the event loop that first uses it, until it is closed.
    """

    def __init__(
        self,
        uid: int | None,
        paths: Sequence[Path] = (),
        wall: Callable[[], Wall | None] = lambda: None,
    ) -> None:
        self._uid = uid
        self._paths = paths
        self._wall = wall
        self._walled: Wall | None = None
        self._line: _Line | None = None
        self._retired: list[_Line] = []
        self._numbers = count(1)
        self._burials: set[asyncio.Task[None]] = set()

    def launch(self, order: Order, launched: Launched) -> int:
        """Start a run and return its number; OSError if that can't be."""
        line, number = self._current(), next(self._numbers)
        line.launch(number, order, launched)
        return number

    def _current(self) -> "_Line":
        """Return the fork server for new runs; one of another wall ends with its last run."""
        wall = self._wall()
        if self._line and not self._line.ended:
            if wall == self._walled:
                return self._line
            self._retired.append(self._line)
            self._line.retire()
        self._line = _Line(*started(self._uid, self._paths, wall), self._bury)
        self._walled = wall
        return self._line

    def ask(self, number: int) -> None:
        """Ask for the first process inside a sandbox, which may be gone."""
        self._tell(number, "ask")

    def wake(self, number: int) -> None:
        """Have a supervisor go on that was stopped, and the fork server; it may be gone."""
        for line in self._lines():
            line.wake()
        self._tell(number, "wake")

    def rouse(self) -> None:
        """Have all go on who start sandboxes, whoever has stopped them."""
        for line in self._lines():
            line.rouse()

    def kill(self, number: int) -> None:
        """End a sandbox or a supervisor at once; it may be gone."""
        self._tell(number, "kill")

    def give_up(self) -> None:
        """Kill the fork server, which does not do what it is told, and so all that it runs."""
        for line in self._lines():
            line.kill()

    def _tell(self, number: int, what: str) -> None:
        for line in self._lines():
            if number in line.runs:
                line.tell(number, what)

    def _lines(self) -> "list[_Line]":
        return [*self._retired, *([self._line] if self._line else [])]

    async def close(self) -> None:
        """End the fork server, and with it what it started."""
        for line in self._lines():
            line.hang_up()
        self._line = None
        while self._burials:
            await asyncio.wait(self._burials)

    def _bury(self, line: "_Line") -> None:
        if line in self._retired:
            self._retired.remove(line)
        burial = asyncio.get_running_loop().create_task(line.bury())
        self._burials.add(burial)
        burial.add_done_callback(self._burials.discard)


class _Line:
    """One fork server, and the runs that it has."""

    def __init__(
        self,
        process: "subprocess.Popen[bytes]",
        control: socket.socket,
        on_end: "Callable[[_Line], None]",
    ) -> None:
        self.runs: dict[int, Launched] = {}
        self.ended = False
        self._retired = False
        self._process = process
        self._control = control
        self._on_end = on_end
        self._heard = bytearray()
        self._files: list[socket.socket] = []
        self._loop = asyncio.get_running_loop()
        control.setblocking(False)
        self._loop.add_reader(control.fileno(), self._on_readable)

    def launch(self, number: int, order: Order, launched: Launched) -> None:
        say(self._control, order.files(), run=number, **order.frame())
        self.runs[number] = launched
        self.wake()  # a trusted script may have stopped it

    def tell(self, number: int, what: str) -> None:
        try:
            frame: dict[str, Any] = {what: number}
            say(self._control, **frame)
        except OSError:  # it hears nothing any more: all have to go
            self.kill()

    def wake(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def rouse(self) -> None:
        for pid in starters(self._process.pid):
            with suppress(OSError):
                os.kill(pid, signal.SIGCONT)

    def kill(self) -> None:
        self._process.kill()

    def retire(self) -> None:
        """End it after its last run."""
        self._retired = True
        if not self.runs:
            self.hang_up()

    def hang_up(self) -> None:
        """End it."""
        if not self.ended:
            self.ended = True
            self._loop.remove_reader(self._control.fileno())
            for one in (self._control, *self._files):
                one.close()
            self._on_end(self)

    async def bury(self) -> None:
        """See it and its sandboxes out, which come to us as orphans; then say so."""
        self._process.kill()
        await asyncio.to_thread(self._process.wait)
        await asyncio.to_thread(CHILDREN.sweep, CHILDREN.end(self._process.pid))
        for launched in self.runs.values():
            launched.on_lost()

    def _on_readable(self) -> None:
        files: list[int] = []
        try:
            piece, files, _, _ = socket.recv_fds(
                self._control, CHUNK_BYTES, MOST_FILES, socket.MSG_CMSG_CLOEXEC
            )
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        self._files += map(_opened, files)
        if not piece:
            self.hang_up()
            return
        self._heard += piece
        while frame := cut(self._heard):
            self._on_frame(frame)

    def _on_frame(self, frame: Mapping[str, Any]) -> None:
        number = frame["run"]
        launched = self.runs[number]
        if frame.keys() & {"listens", "fault", "first"}:
            self._on_box_frame(cast("Boxed", launched), frame)
        if "exit" in frame:
            launched.on_exit(frame["exit"])
        if frame.keys() & {"gone", "error"}:
            del self.runs[number]
            launched.on_gone(frame.get("error"))
            if self._retired:
                self.retire()

    def _on_box_frame(self, boxed: Boxed, frame: Mapping[str, Any]) -> None:
        if "listens" in frame:
            boxed.on_listening(self._files.pop(0))
        if "fault" in frame:
            boxed.on_fault(frame["fault"])
        if "first" in frame:
            boxed.on_first(frame["first"])


def started(
    uid: int | None, paths: Sequence[Path] = (), wall: Wall | None = None
) -> "tuple[subprocess.Popen[bytes], socket.socket]":
    """Start a fork server; return it and our end of its socket."""
    with ExitStack() as ours:
        control, far = socket.socketpair()
        ours.callback(control.close)
        user = [] if uid is None else [str(uid), *map(str, paths)]
        with far, ExitStack() as stack:
            command, fds = wall.command(stack) if wall else ((), ())
            process = CHILDREN.start(
                lambda: subprocess.Popen(
                    [sys.executable, "-I", "-S", "-X", "utf8", str(PROGRAM), *user, "--", *command],
                    stdin=far.fileno(),
                    pass_fds=fds,
                    stdout=subprocess.DEVNULL,
                    env={},
                    cwd="/",
                    start_new_session=True,
                )
            )
        ours.pop_all()
    return process, control


def once(
    uid: int | None, paths: Sequence[Path], order: Order, timeout_s: float, wall: Wall | None
) -> int:
    """Start one sandbox, wait, and return how it ended; OSError if that can't be."""
    process, control = started(uid, paths, wall)
    heard, code = bytearray(), -1
    with control:
        control.settimeout(timeout_s)
        say(control, order.files(), run=1, **order.frame())
        try:
            while "gone" not in (frame := cut(heard) or {}):
                if fault := frame.get("error") or frame.get("fault"):
                    raise OSError(fault, os.strerror(fault))
                code = int(frame.get("exit", code))
                heard += b"" if frame else _more(control)
            code = int(frame.get("exit", code))
        finally:
            control.close()
            process.wait()
            CHILDREN.sweep(CHILDREN.end(process.pid))
    return code


def _more(control: socket.socket) -> bytes:
    if piece := control.recv(CHUNK_BYTES):
        return piece
    raise OSError("the fork server has ended")


def _opened(fd: int) -> socket.socket:
    return socket.socket(fileno=fd)


def cut(heard: bytearray) -> "Mapping[str, Any] | None":
    """Take the first frame off what was heard; None while it is not whole."""
    if len(heard) < LENGTH.size:
        return None
    end = LENGTH.size + LENGTH.unpack_from(heard)[0]
    if len(heard) < end:
        return None
    body = bytes(heard[LENGTH.size : end])
    del heard[:end]
    found: Mapping[str, Any] = json.loads(body)
    return found
