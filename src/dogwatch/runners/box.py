"""A sandbox as the server sees it: its output, its end, and how to end it.

It needs no supervisor: bwrap ends with the fork server, and that with us; the first process inside
ends with bwrap, and with that one the kernel ends everything inside, pid_namespaces(7).
"""

import asyncio
import os
import resource
import signal
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from socket import socket
from typing import Any

from dogwatch.core.script_action import MIB
from dogwatch.runners.around import ordered, walled
from dogwatch.runners.cgroup import Group, Groups
from dogwatch.runners.launcher import Enclosed, InCell, Launcher
from dogwatch.runners.orphans import below
from dogwatch.runners.proxy import Connect, Proxy
from dogwatch.runners.sandbox import Errand, Sandbox
from dogwatch.runners.system import System
from dogwatch.runners.tree import DRAIN_S, PATIENCE_S, Sink, Stream, pipe

GRACE_S = 0.5  # from SIGTERM to SIGKILL
LOST = ""
FIRST = asyncio.FIRST_COMPLETED


@dataclass(frozen=True, slots=True)
class Boxes:
    """What sandboxes are made of and by; belongs to one event loop until it is closed.

    `connect` is the way out for those that have a network; `groups` makes their control groups,
    where it can.
    """

    sandbox: Sandbox
    system: System
    launcher: Launcher
    connect: Connect
    groups: Groups | None = None

    async def close(self) -> None:
        """End all of them, and take away what they stood on."""
        await self.launcher.close()
        await asyncio.to_thread(self.system.remove)


def boxes(sandbox: Sandbox, workdir: Path, connect: Connect, groups: Groups | None = None) -> Boxes:
    """Return the maker of such sandboxes; nothing is made before the first."""
    uid = sandbox.uid if sandbox.drops else None
    system = System(workdir, sandbox.paths)
    launcher = Launcher(uid, sandbox.seen(workdir), lambda: walled(sandbox, system.latest))
    return Boxes(sandbox, system, launcher, connect, groups)


class Box:
    """A running sandbox.

    `reported` is done when the script has ended: "exit N", "signal N" when bwrap was killed,
    "error ERRNO", or "" when the fork server was killed. `ended` is done when nothing is left
    inside.
    """

    def __init__(
        self, launcher: Launcher, streams: Sequence[Stream], proxy: Proxy, group: Group | None
    ) -> None:
        loop = asyncio.get_running_loop()
        self.number = 0
        self._launcher = launcher
        self._streams = streams
        self._proxy = proxy
        self._group = group
        self._first: asyncio.Future[int] = loop.create_future()
        self.reported: asyncio.Future[str] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()

    async def close(self, _mark: str = "") -> None:
        """End what lives, read what is left, let go; raise what the sink raised.

        Nothing inside needs a mark to be found by.
        """
        if not self.reported.done():
            await asyncio.to_thread(self._launcher.rouse)
            await self._ask_to_end()
            self._launcher.kill(self.number)
            await asyncio.wait({self.ended}, timeout=PATIENCE_S)
            if not self.ended.done():
                self._launcher.give_up()
        await self.ended
        await self._proxy.close()
        if self._group:
            self._group.close()
        await asyncio.wait([stream.ended for stream in self._streams], timeout=DRAIN_S)
        for stream in self._streams:
            stream.close()
        for stream in self._streams:
            if fault := stream.ended.result():
                raise fault

    async def _ask_to_end(self) -> None:
        self._launcher.ask(self.number)
        either: set[asyncio.Future[Any]] = {self._first, self.reported}
        await asyncio.wait(either, timeout=GRACE_S, return_when=FIRST)
        if self._first.done():
            await asyncio.to_thread(_terminate, self._first.result())
            await asyncio.wait({self.reported}, timeout=GRACE_S)

    def on_first(self, pid: int) -> None:
        """Know the first process inside."""
        self._first.set_result(pid)

    def on_listening(self, listener: socket) -> None:
        """Have the script's network answered."""
        self._proxy.serve(listener)

    def on_fault(self, number: int) -> None:
        """Report that the script cannot run as it should."""
        self._report(f"error {number}")

    def on_exit(self, code: int) -> None:
        """Report how the script ended."""
        self._report(f"exit {code}" if code >= 0 else f"signal {-code}")

    def on_gone(self, error: int | None) -> None:
        """Be over; with an error it has never begun."""
        if error is not None:
            self._report(f"error {error}")
        self.ended.set_result(None)

    def on_lost(self) -> None:
        """Be over with the fork server."""
        self._report(LOST)
        self.ended.set_result(None)

    def _report(self, words: str) -> None:
        if not self.reported.done():
            self.reported.set_result(words)


def _terminate(first: int) -> None:
    """Ask all below the first process to end."""
    for pid in below(first):
        for number in (signal.SIGTERM, signal.SIGCONT):
            with suppress(OSError):
                os.kill(pid, number)


def enclose(makers: Boxes, errand: Errand, sink: Sink) -> Box:
    """Start a sandbox; OSError if that can't be."""
    with ExitStack() as theirs, ExitStack() as ours:
        group = _group(makers, errand)
        if group:
            ours.callback(group.close)
        outs = [pipe(ours, theirs) for _ in range(2)]
        order = ordered(
            makers.sandbox, makers.system.root(), errand, (outs[0][1], outs[1][1]), theirs
        )
        streams = [Stream(name, outs[n][0], sink) for n, name in enumerate(("stdout", "stderr"))]
        box = Box(makers.launcher, streams, Proxy(makers.connect), group)
        try:
            box.number = makers.launcher.launch(_joining(order, group), box)
        except OSError:
            for stream in streams:
                stream.close()
            if group:
                group.close()
            raise
        finally:
            ours.pop_all()  # the box has it all by now
    return box


def _group(makers: Boxes, errand: Errand) -> Group | None:
    """Make the control group of a run: for its memory, and for the files that it has there."""
    if makers.groups is None:
        return None
    bounds = makers.sandbox.bounds
    places_mb = bounds.work_mb + bounds.tmp_mb + bounds.shm_mb
    memory_mb = errand.limits[resource.RLIMIT_DATA] // MIB
    return makers.groups.open(memory_mb + places_mb, bounds.processes)


def _joining(order: Enclosed | InCell, group: Group | None) -> Enclosed | InCell:
    return replace(order, group=group.procs) if group else order
