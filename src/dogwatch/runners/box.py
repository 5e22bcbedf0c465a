"""A sandbox as the server sees it: its output, its end, and how to end it.

It needs no supervisor: bwrap ends with the server (PR_SET_PDEATHSIG), the first process inside ends
with bwrap, and with that one the kernel ends everything inside, pid_namespaces(7).
"""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress

from dogwatch.runners.orphans import below
from dogwatch.runners.tree import DRAIN_S, SUPERVISORS, Sink, Stream, pipe

GRACE_S = 0.3  # from SIGTERM to SIGKILL
UMASK = 0o077


class Box:
    """A running sandbox.

    `reported` is done when the script has ended: "exit N", or "signal N" when bwrap was killed.
    `ended` is done when nothing is left inside.
    """

    def __init__(
        self, process: "subprocess.Popen[bytes]", told: int, streams: Sequence[Stream]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._process = process
        self._told = told
        self._streams = streams
        self._words = b""
        self._first = 0
        self._left = 2  # bwrap itself, and the first process inside
        self.reported: asyncio.Future[str] = self._loop.create_future()
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self._watch(process.pid, self._on_exit)
        self._loop.add_reader(told, self._on_told)

    async def close(self, _mark: str = "") -> None:
        """End what lives, read what is left, let go; raise what the sink raised.

        Nothing inside needs a mark to be found by.
        """
        if not self.reported.done():
            await asyncio.to_thread(self._ask_to_end)
            await asyncio.wait({self.reported}, timeout=GRACE_S)
        self._process.kill()
        await self.ended
        await asyncio.wait([stream.ended for stream in self._streams], timeout=DRAIN_S)
        for stream in self._streams:
            stream.close()
        for stream in self._streams:
            if fault := stream.ended.result():
                raise fault

    def _ask_to_end(self) -> None:
        for pid in below(self._first) if self._first else ():
            for number in (signal.SIGTERM, signal.SIGCONT):
                with suppress(OSError):
                    os.kill(pid, number)

    def _watch(self, pid: int, ended: Callable[[], None]) -> None:
        """Call `ended` once, when a process is gone."""
        pidfd = os.pidfd_open(pid)

        def gone() -> None:
            self._loop.remove_reader(pidfd)
            os.close(pidfd)
            ended()

        self._loop.add_reader(pidfd, gone)

    def _on_exit(self) -> None:
        code = self._process.wait()
        SUPERVISORS.end(self._process.pid)
        self.reported.set_result(f"exit {code}" if code >= 0 else f"signal {-code}")
        self._one_less()

    def _on_told(self) -> None:
        """Hear which process is the first inside; none is where bwrap gave up before."""
        if piece := os.read(self._told, 1024):
            self._words += piece
            return
        self._loop.remove_reader(self._told)
        os.close(self._told)
        try:
            self._first = json.loads(self._words)["child-pid"]
            self._watch(self._first, self._on_first)
        except (ValueError, ProcessLookupError):
            self._one_less()

    def _on_first(self) -> None:
        with suppress(ChildProcessError):  # ours to reap where orphans come to us
            os.waitpid(self._first, 0)
        self._one_less()

    def _one_less(self) -> None:
        self._left -= 1
        if not self._left:
            self.ended.set_result(None)


def enclose(
    command: Sequence[str],
    *,
    given: str,
    told: int,
    fds: Sequence[int],
    uid: int | None,
    sink: Sink,
) -> Box:
    """Start a sandbox; OSError if that can't be.

    `given` is the number of the file that becomes standard input. bwrap writes to one of the `fds`
    which process is the first inside, and it is read from `told`, which is the box's to close.
    `uid` is the user to change to.
    """
    with ExitStack() as theirs, ExitStack() as ours:
        ours.callback(os.close, told)
        # Opened anew, at its beginning: bwrap reads the other.
        stdin = os.open(f"/proc/self/fd/{given}", os.O_RDONLY)
        theirs.callback(os.close, stdin)
        outs = [pipe(ours, theirs) for _ in range(2)]
        process = SUPERVISORS.start(
            lambda: subprocess.Popen(
                command,
                stdin=stdin,
                stdout=outs[0][1],
                stderr=outs[1][1],
                env={},
                cwd="/",
                start_new_session=True,
                pass_fds=fds,
                umask=UMASK,
                user=uid,
                group=uid,
                extra_groups=None if uid is None else [],
            )
        )
        ours.pop_all()
    streams = [Stream(name, outs[n][0], sink) for n, name in enumerate(("stdout", "stderr"))]
    return Box(process, told, streams)
