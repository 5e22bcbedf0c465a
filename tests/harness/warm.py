"""A server forked from a process that has imported all of it: importing takes most of a start."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from tempfile import TemporaryDirectory

_FORKS = get_context("forkserver")
_FORKS.set_forkserver_preload(["dogwatch.cli.server", "dogwatch.web.app", "uvicorn", "uvloop"])


def _run(words: Sequence[str], out: Path, err: Path, environ: Mapping[str, str]) -> None:
    """Be `dogwatch` from here on, as a shell would have started it."""
    for number, path in ((1, out), (2, err)):
        told = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.dup2(told, number)
        os.close(told)
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["dogwatch", *words]
    from dogwatch.cli import main  # after the environment stands

    main()


class Warm:
    """Such a process, handled as one of `subprocess` is."""

    def __init__(
        self, words: Sequence[str], out: Path, err: Path, environ: Mapping[str, str]
    ) -> None:
        given = words, out, err, environ
        self._process: ForkServerProcess = _FORKS.Process(target=_run, args=given)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """Look whether it has ended."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return its status."""
        self._process.join(timeout)
        status = self.poll()
        if status is None:
            raise subprocess.TimeoutExpired("dogwatch", timeout or 0)
        return status

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)


def ran(
    words: Sequence[str], environ: Mapping[str, str], timeout_s: float
) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    with TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = Warm(words, out, err, environ)
        try:
            status = process.wait(timeout_s)
        finally:
            process.kill()
        return subprocess.CompletedProcess(list(words), status, _read(out), _read(err))


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
