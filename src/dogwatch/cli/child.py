"""A command run as if we were not there: its streams, its signals, its exit status."""

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Thread
from types import FrameType
from typing import IO

from dogwatch.cli.excerpt import Excerpt

CANNOT_RUN, NOT_FOUND, TIMED_OUT = 126, 127, 124
_FORWARDED = frozenset(
    {
        *(signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGCONT),
        *(signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGWINCH),
    }
)
# In a terminal these come from the kernel or the shell, to the whole foreground group.
_OF_TERMINAL = frozenset({signal.SIGINT, signal.SIGQUIT, signal.SIGCONT, signal.SIGWINCH})
_KILL_AFTER_S = 2.0
_DRAIN_S = 0.1


@dataclass(frozen=True, slots=True)
class Ending:
    """How a command ended: its exit status as a shell tells it, and a remark of ours."""

    status: int
    remark: str = ""


class Child:
    """One command. With an excerpt its output is copied there too, else it never passes us."""

    def __init__(
        self, command: Sequence[str], excerpt: Excerpt | None, timeout_s: float | None
    ) -> None:
        self._command = command
        self._excerpt = excerpt
        self._timeout_s = timeout_s
        # In a terminal the command stays in the foreground group, which gets ^C from the kernel.
        self._in_foreground = timeout_s is None and _in_foreground()
        self._process: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        self._expired = False
        self._bell = Bell()

    def run(self) -> Ending:
        """Run it to its end, inside `signals()`.

        127: not found, 126: cannot be run, 124: timed out, 128+n: signal.
        """
        try:
            process = self._launch()
        except OSError as error:
            return _not_run(self._command[0], error)
        pumps = self._pumps(process)
        while (code := process.poll()) is None:
            self._bell.wait()
        signal.setitimer(signal.ITIMER_REAL, 0)
        if self._expired:
            self._signal_group(signal.SIGKILL)
        _drain(pumps)
        if self._expired:
            return Ending(TIMED_OUT, f"dogwatch: stopped after {self._timeout_s:g} s")
        return Ending(code if code >= 0 else 128 - code)

    def _launch(self) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE if self._excerpt else None
        process = subprocess.Popen(
            self._command,
            stdout=pipe,
            stderr=pipe,
            bufsize=0,
            start_new_session=not self._in_foreground,
        )
        self._process = process
        for number in self._early:
            self._pass_on(number, None)
        if self._timeout_s is not None:
            signal.setitimer(signal.ITIMER_REAL, self._timeout_s)
        return process

    def _pumps(self, process: subprocess.Popen[bytes]) -> list["Pump"]:
        if not self._excerpt or not process.stdout or not process.stderr:
            return []
        return [Pump(process.stdout, 1, self._excerpt), Pump(process.stderr, 2, self._excerpt)]

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Pass signals on while inside; one that we were told to ignore (nohup) stays ignored.

        Once the command has ended they do nothing: its end is still to be told.
        """
        heard = [n for n in _FORWARDED if signal.getsignal(n) is not signal.SIG_IGN]
        before = {number: signal.signal(number, self._pass_on) for number in heard}
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)  # rings the bell
        if self._timeout_s is not None:
            before.setdefault(signal.SIGALRM, signal.signal(signal.SIGALRM, self._expire))
        try:
            with self._bell:
                yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        if self._process is None:
            self._early.append(number)
        elif self._process.returncode is not None:
            return
        elif not self._in_foreground:
            self._signal_group(number)
        elif number not in _OF_TERMINAL:
            self._process.send_signal(number)

    def _signal_group(self, number: int) -> None:
        if self._process:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def _expire(self, _number: int, _frame: FrameType | None) -> None:
        """Ask the whole group to end; the second time, end it."""
        self._pass_on(signal.SIGKILL if self._expired else signal.SIGTERM, None)
        self._expired = True
        signal.setitimer(signal.ITIMER_REAL, _KILL_AFTER_S)


class Bell:
    """Waits for a signal. One that comes just before the wait ends it, too; waitpid(2) would sleep
    on, and so it would while another thread gets the signal.
    """

    def __enter__(self) -> None:
        self._heard, self._rung = os.pipe()
        os.set_blocking(self._rung, False)
        self._before = signal.set_wakeup_fd(self._rung, warn_on_full_buffer=False)

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._before)
        os.close(self._heard)
        os.close(self._rung)

    def wait(self) -> None:
        """Return after a signal."""
        os.read(self._heard, 4096)


class Pump(Thread):
    """Copies one stream of the command to ours and into the excerpt."""

    def __init__(self, source: IO[bytes], target: int, excerpt: Excerpt) -> None:
        super().__init__(daemon=True)
        self.source = source
        self.target = target
        self._excerpt = excerpt
        self.start()

    def run(self) -> None:
        """Copy until the end. When our reader has left, close: the command gets its SIGPIPE."""
        with suppress(BrokenPipeError):
            while piece := os.read(self.source.fileno(), 65536):
                self._excerpt.add(piece)
                _write_all(self.target, piece)
        self.source.close()


def _write_all(target: int, piece: bytes) -> None:
    """Write, or lose what a full disk refuses; only a reader that left is an error."""
    rest = memoryview(piece)
    try:
        while rest:
            rest = rest[os.write(target, rest) :]
    except BrokenPipeError:
        raise
    except OSError:
        return


def fill_streams() -> None:
    """Open /dev/null for each standard stream that is closed, lest a pipe takes its number."""
    number = os.open(os.devnull, os.O_RDWR)
    while number <= 2:
        number = os.open(os.devnull, os.O_RDWR)
    os.close(number)


def _drain(pumps: Sequence[Pump]) -> None:
    """Wait for the last output. A descendant that still holds a stream gets a `cat` in our place,
    so that neither do we wait for it nor does it lose its reader.
    """
    for pump in pumps:
        pump.join(_DRAIN_S)
        if pump.is_alive():
            with suppress(OSError):
                subprocess.Popen(
                    ["/bin/cat"],
                    stdin=pump.source,
                    stdout=pump.target,
                    start_new_session=True,
                )


def _not_run(program: str, error: OSError) -> Ending:
    status = NOT_FOUND if isinstance(error, FileNotFoundError) else CANNOT_RUN
    shown = os.fsencode(program).decode("utf-8", "replace")
    return Ending(status, f"dogwatch: cannot run {shown}: {error.strerror or error}")


def _in_foreground() -> bool:
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False
