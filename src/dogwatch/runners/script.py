"""Runs a script job: a clean environment, a directory of its own, and an end that is an end."""

import asyncio
import errno
import os
import resource
import shutil
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dogwatch.clock import Clock
from dogwatch.core.problems import Problem
from dogwatch.core.result import Outcome, Result
from dogwatch.core.script_action import MIB, ScriptAction, unsupported
from dogwatch.runners import proxy
from dogwatch.runners.box import Box, Boxes, enclose
from dogwatch.runners.helpers import PLACE, Desk, served
from dogwatch.runners.interpreters import STANDARD_PATH, Interpreters
from dogwatch.runners.launcher import Launcher
from dogwatch.runners.sandbox import GIVEN, HELPERS, Errand
from dogwatch.runners.scratch import Scratch, is_removed, outline, prepare, remove
from dogwatch.runners.system import HOME
from dogwatch.runners.tree import Sink, Tree, plant

MARK = "DOGWATCH_RUN_ID"
OPEN_FILES = 1024
SANDBOX_MEMORY_MB = 2048
OF_SIGNALS = 128  # a sandbox adds the signal that ended the script, as shells do
SUFFIXES = {"bash": ".sh", "python": ".py", "node": ".js"}
HOPELESS = frozenset({errno.E2BIG, errno.ENOENT, errno.EACCES, errno.ENOEXEC})
PLACES = frozenset({"PYTHONPATH", "NODE_PATH"})  # the helpers before the job's own
LOCALES = frozenset({"LANG", "LC_ALL", "LC_CTYPE"})
ENCODED = {"LC_CTYPE": "C.UTF-8"}  # not LANG: the rest is as in C, and a dozen files to read
FLAGS = {"python": ("-u",)}  # unbuffered, or nothing could be followed live


async def run_script(
    action: ScriptAction,
    *,
    run_id: str,
    attempt: int,
    slot_at: datetime | None,
    input: str,  # noqa: A002  (the word that users see)
    workdir: Path,
    clock: Clock,
    on_output: Callable[[str, bytes], None],
    interpreters: Interpreters,
    desk: Desk | None = None,
    environ: Mapping[str, str] = MappingProxyType({}),
    boxes: Boxes | None = None,
    launcher: Launcher | None = None,
    platform: str = sys.platform,
) -> Result:
    """Run one attempt; return how it ended.

    At the `desk` the script is answered by its helpers; without one it has none. `environ` is
    what Dogwatch tells the script besides. Without `boxes` it runs as the server's user, started
    by `launcher`, else by one of its own.

    `on_output` takes
    ("stdout" | "stderr", chunk of at most 64 KiB) and must be quick. Cancelling kills the whole
    tree, cleans up (about a second at worst) and then raises CancelledError.
    """
    if reason := unsupported(platform):
        return Result(Outcome.FAIL, reason, retryable=False)
    marks = {
        **environ,
        MARK: run_id,
        "DOGWATCH_ATTEMPT": str(attempt),
        "DOGWATCH_SLOT_AT": slot_at.isoformat() if slot_at else "",
        **(proxy.ENVIRON if boxes and action.network else {}),
    }
    try:
        interpreter = interpreters.find(action)
    except Problem as problem:
        return Result(Outcome.FAIL, problem.message, retryable=False)
    try:
        scratch = _scratch(action, input, workdir, boxes)
    except OSError as fault:
        return _unstarted("cannot make the run's directory", fault.errno)
    starter = boxes.launcher if boxes else launcher or Launcher(None)
    run = _Run(action, interpreter, scratch, marks, input, starter, boxes)
    try:
        return await _helped(run, desk, on_output, clock)
    finally:
        if not boxes and not launcher:
            await _through(starter.close())
        if boxes:  # no script could put anything there
            shutil.rmtree(scratch.root, ignore_errors=True)
        elif not is_removed(scratch):
            await _through(asyncio.to_thread(remove, scratch.root))


def _scratch(action: ScriptAction, given: str, workdir: Path, boxes: Boxes | None) -> Scratch:
    """Make the run's directory; a sandbox brings its own, but for the helpers."""
    if boxes:
        return outline(workdir, SUFFIXES[action.language])
    return prepare(workdir, action.source, SUFFIXES[action.language], given)


@dataclass(frozen=True, slots=True)
class _Run:
    """One attempt that has all it needs.

    `marks` are the variables that Dogwatch sets itself, `given` is the input.
    """

    action: ScriptAction
    interpreter: str
    scratch: Scratch
    marks: Mapping[str, str]
    given: str
    launcher: Launcher
    boxes: Boxes | None = None


async def _helped(run: _Run, desk: Desk | None, sink: Sink, clock: Clock) -> Result:
    if desk is None:
        return await _run(run, sink, clock)
    async with AsyncExitStack() as stack:
        helpers = _served(run, desk, sink)
        try:
            told = await stack.enter_async_context(helpers)
        except OSError as fault:
            return _unstarted("cannot serve the run's helpers", fault.errno)
        return await _run(replace(run, marks={**run.marks, **told}), sink, clock)


def _served(run: _Run, desk: Desk, sink: Sink) -> AbstractAsyncContextManager[Mapping[str, str]]:
    def tell(reason: str) -> None:
        sink("stderr", f"{reason}\n".encode())

    place, language = run.scratch.helpers, run.action.language
    if run.boxes is None:
        return served(place, language, desk, tell)
    sandbox = run.boxes.sandbox
    owner = sandbox.uid if sandbox.drops else None
    return served(place, language, desk, tell, seen_at=HELPERS, owner=owner)


async def _run(run: _Run, sink: Sink, clock: Clock) -> Result:
    """See the script from its start to its end, and its tree to the end of that."""
    began = clock.monotonic()
    try:
        tree = _enclose(run, run.boxes, sink) if run.boxes else _plant(run, sink)
    except OSError as fault:
        return _unstarted("cannot start", fault.errno)
    try:
        await asyncio.wait({tree.reported}, timeout=run.action.timeout_s)
        late = not tree.reported.done()
        duration_ms = round((clock.monotonic() - began) * 1000)
    finally:
        await _through(tree.close(f"{MARK}={run.marks[MARK]}"))
    result = _late(run.action) if late else _judge(tree.reported.result(), run)
    return replace(result, duration_ms=duration_ms)


def _plant(run: _Run, sink: Sink) -> Tree:
    command = [*_interpreter(run), str(run.scratch.script), *run.action.args]
    seen = _seen(run, run.scratch.home, run.scratch.given)
    return plant(
        run.launcher,
        command,
        env=seen,
        home=run.scratch.home,
        given=run.scratch.given,
        limits=_limits(run.action),
        sink=sink,
    )


def _enclose(run: _Run, boxes: Boxes, sink: Sink) -> Box:
    action, scratch = run.action, run.scratch
    errand = Errand(
        _interpreter(run), scratch.script.name, action.source.encode(), action.args,
        run.given.encode(errors="replace"), _seen(run, HOME, GIVEN), _limits_inside(action),
        scratch.helpers if PLACE in run.marks else None, proxy.PORT if action.network else 0,
    )  # fmt: skip
    return enclose(boxes, errand, sink)


def _interpreter(run: _Run) -> tuple[str, ...]:
    return (run.interpreter, *FLAGS.get(run.action.language, ()))


async def _through(work: Coroutine[Any, Any, None]) -> None:
    """Finish the work even while being cancelled; raise CancelledError afterwards."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as wish:
            cancelled = wish
    task.result()
    if cancelled:
        raise cancelled


def _seen(run: _Run, home: Path, given: Path) -> dict[str, str]:
    """Return the environment of the script: nothing of the server's own."""
    own = dict(run.action.env)
    names = {
        "PATH": STANDARD_PATH,
        "HOME": str(home),
        **({} if own.keys() & LOCALES else ENCODED),
        **own,
        **run.marks,
        "DOGWATCH_INPUT_FILE": str(given),
    }
    for name in PLACES & own.keys() & run.marks.keys():
        names[name] = f"{run.marks[name]}:{own[name]}"
    return names


def _limits(action: ScriptAction) -> dict[int, int]:
    """Return the resource limits of each process, see setrlimit(2).

    RLIMIT_NPROC is left out because it counts all processes of the user, the server's too;
    memory is RLIMIT_DATA because Node reserves far more address space than it uses.
    """
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_FSIZE: action.file_limit_mb * MIB,
    }
    if action.memory_limit_mb is not None:
        limits[resource.RLIMIT_DATA] = action.memory_limit_mb * MIB
    return limits


def _limits_inside(action: ScriptAction) -> dict[int, int]:
    """Return the limits in a sandbox; there memory has one in any case."""
    memory_mb = SANDBOX_MEMORY_MB if action.memory_limit_mb is None else action.memory_limit_mb
    wanted = {
        **_limits(action),
        resource.RLIMIT_DATA: memory_mb * MIB,
        resource.RLIMIT_CPU: ceil(action.timeout_s) * (os.cpu_count() or 1) + 1,
    }
    return {kind: _allowed(kind, most) for kind, most in wanted.items()}


def _allowed(kind: int, most: int) -> int:
    _, hard = resource.getrlimit(kind)
    return most if hard == resource.RLIM_INFINITY else min(most, hard)


def _late(action: ScriptAction) -> Result:
    return Result(Outcome.TIMEOUT, f"no end within {action.timeout_s:g} s")


def _judge(status: str, run: _Run) -> Result:
    """Word the supervisor's report."""
    kind, _, number = status.partition(" ")
    match kind:
        case "exit" if number == "0":
            return Result(Outcome.OK, exit_code=0)
        case "exit" if run.boxes and int(number) > OF_SIGNALS:
            told = f"exit status {number}, as of {_signal_name(int(number) - OF_SIGNALS)}"
            return Result(Outcome.FAIL, told, exit_code=int(number))
        case "exit":
            return Result(Outcome.FAIL, f"exit status {number}", exit_code=int(number))
        case "signal":
            return Result(Outcome.FAIL, f"killed by {_signal_name(int(number))}")
        case "error":
            return _unstarted(f"cannot run {run.interpreter}", int(number))
        case _:
            return Result(Outcome.FAIL, "lost: the process that supervises the script was killed")


def _unstarted(what: str, number: int | None) -> Result:
    reason = os.strerror(number) if number else "unknown error"
    return Result(Outcome.FAIL, f"{what}: {reason}", retryable=number not in HOPELESS)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
