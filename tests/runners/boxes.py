"""Scripts in real sandboxes, and what is left of these on the machine."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from dogwatch.clock import SystemClock
from dogwatch.core.addresses import Network
from dogwatch.core.ping import Collector
from dogwatch.core.problems import Problem
from dogwatch.core.result import Outcome, Result
from dogwatch.core.script_action import Language, ScriptAction
from dogwatch.egress import Egress
from dogwatch.runners.around import found
from dogwatch.runners.box import boxes
from dogwatch.runners.helpers import Desk
from dogwatch.runners.interpreters import Interpreters
from dogwatch.runners.sandbox import Bounds, Sandbox
from dogwatch.runners.script import run_script

SMALL = Bounds(work_mb=16, tmp_mb=8, shm_mb=8, processes=64)
INTERPRETERS = Interpreters({"bash": "bash", "python": "/usr/bin/python3", "node": "/usr/bin/node"})
KEPT_BYTES = 1 << 20
DEADLINE_S = 120  # more than any run takes, less than what it leaves behind would sleep
T = TypeVar("T")


def sandbox_of_this_process() -> Sandbox:
    """Return a small sandbox, of a user whom no other process here has if we are root.

    A machine that permits none is no reason to fail, unless it is that of CI.
    """
    try:
        return replace(found(60_000 + os.getpid() % 1000), bounds=SMALL)
    except Problem as problem:
        if os.environ.get("CI"):
            pytest.fail(problem.message)
        pytest.skip(problem.message)


class Boxed:
    """One run: its result, what is kept of its output, what the server grew by."""

    def __init__(self) -> None:
        self.result = Result(Outcome.UNKNOWN)
        self.output = Collector(KEPT_BYTES)
        self.grew_kib = 0

    @property
    def out(self) -> str:
        return self.output.text()


class Cell:
    """A server's event loop, data directory and fork server, for many runs."""

    def __init__(self, sandbox: Sandbox, data: Path, allow: Sequence[Network] = ()) -> None:
        self.sandbox = sandbox
        self.data = data
        self.workdir = sandbox.workdir(data)
        self.workdir.mkdir(mode=0o711, exist_ok=True)
        self._runner = asyncio.Runner()
        self.egress = self.wait(opened(allow))
        self.boxes = boxes(sandbox, self.workdir, self.egress.connect)

    def begin(
        self,
        source: str,
        language: Language = "bash",
        *,
        desk: Desk | None = None,
        on_output: Callable[[str, bytes], None] = lambda _stream, _chunk: None,
        **action: Any,
    ) -> Coroutine[Any, Any, Result]:
        """Begin a run as the server does."""
        return run_script(
            ScriptAction(language, source, **action), run_id=f"boxed-{os.getpid()}", attempt=1,
            slot_at=None, input="given", workdir=self.workdir, clock=SystemClock(),
            on_output=on_output, interpreters=INTERPRETERS, desk=desk, boxes=self.boxes,
        )  # fmt: skip

    def wait(self, story: Coroutine[Any, Any, T]) -> T:
        """Run a story on the server's loop."""
        return self._runner.run(story)

    def run(self, source: str, *args: Any, **more: Any) -> Boxed:
        """Run to the end, and see that nothing is left."""
        boxed, before = Boxed(), resident_kib()
        taken = self.begin(source, *args, on_output=lambda _, one: boxed.output.add(one), **more)
        boxed.result = self.wait(asyncio.wait_for(taken, DEADLINE_S))
        boxed.grew_kib = resident_kib() - before
        self.is_empty()
        return boxed

    def is_empty(self) -> None:
        """See that no run has left anything."""
        assert inhabitants(self.sandbox) == []
        assert [one for one in self.workdir.iterdir() if not one.name.startswith("system-")] == []

    def close(self) -> None:
        """End the server; nothing at all is left."""
        self.wait(self.boxes.close())
        self.wait(self.egress.close())
        self._runner.close()
        assert list(self.workdir.iterdir()) == []
        self.workdir.rmdir()


async def opened(allow: Sequence[Network]) -> Egress:
    """Open the way out on the loop that runs, as one that has served: libuv keeps a file then."""
    (await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)).close()
    return Egress(allow)


def inhabitants(sandbox: Sandbox) -> list[str]:
    """Return the command lines of what lives in sandboxes of this user."""
    outside = len(pids("self")) + sandbox.cells  # those who start the cells are outside of them
    living = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state = (process / "stat").read_text().rpartition(")")[2].split()[0]
            foreign = len(pids(process.name)) > outside and not is_waiting(process)
            if foreign and state not in "ZX" and process.stat().st_uid == sandbox.uid:
                living.append((process / "cmdline").read_text())
    return living


def is_waiting(process: Path) -> bool:
    """Whether this is the first process of a cell made ahead; with its script it becomes init."""
    alone = (process / f"task/{process.name}/children").read_text() == ""
    first = pids(process.name)[-1] == "1"
    return first and alone and (process / "comm").read_text() != "init\n"


def pids(pid: str) -> list[str]:
    """Return what a process is called in each namespace that it is in."""
    status = Path(f"/proc/{pid}/status").read_text()
    return status.partition("NSpid:")[2].partition("\n")[0].split()


def resident_kib() -> int:
    """Return the memory of this process."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])
