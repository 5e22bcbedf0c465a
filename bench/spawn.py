"""Scripts per second: `run_script` against a bare subprocess and a bare bwrap, same run.

One after the other as the server's user and in a sandbox; then sandboxes, several at once. Those
with helpers are as jobs have them.

Usage: python -m bench.spawn [seconds for each turn, default 1]
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from socket import socket
from statistics import median

from bench.table import Row, markdown
from bench.turns import Sample, in_turns
from dogwatch.clock import SystemClock
from dogwatch.core.helper import Reply
from dogwatch.core.problems import Problem
from dogwatch.core.script_action import ScriptAction
from dogwatch.runners.around import found as sandbox_here
from dogwatch.runners.box import Boxes, boxes
from dogwatch.runners.interpreters import Interpreters
from dogwatch.runners.launcher import Launcher
from dogwatch.runners.sandbox import APART, POWERLESS, usual_options
from dogwatch.runners.script import run_script

AT_ONCE = 4
UID = 65_533
TRUE = ScriptAction("bash", "true\n")
BARE = ("/bin/bash", "-c", "true")
BWRAP = ("bwrap", *APART, *POWERLESS, "--dev-bind", "/", "/", *BARE)
BASELINES = {"bare": "bare subprocess", "bwrap": "bare bwrap", "same": "bwrap, same options"}

Work = Callable[[], Awaitable[None]]


async def bare(*command: str) -> None:
    """Start bash and read its output, with nothing around it."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*(command or BARE), stdout=pipe)
    await process.communicate()
    assert process.returncode == 0, command


class Desk:
    """Is asked nothing."""

    token = "token"

    async def ask(self, operation: str, _args: Sequence[str]) -> Reply:
        """Answer nobody."""
        raise AssertionError(operation)


async def supervised(
    workdir: Path,
    made: Boxes | None = None,
    launcher: Launcher | None = None,
    desk: Desk | None = None,
) -> None:
    """Run the same as a script job."""
    result = await run_script(
        TRUE,
        run_id="bench",
        attempt=1,
        slot_at=None,
        input="",
        workdir=workdir,
        clock=SystemClock(),
        on_output=lambda _stream, _chunk: None,
        interpreters=Interpreters({"bash": "bash"}),
        desk=desk,
        boxes=made,
        launcher=launcher,
    )
    assert result.exit_code == 0, result


async def nowhere(host: str, port: int, _timeout_s: float) -> socket:
    """Connect to nobody."""
    raise ConnectionRefusedError(f"{host}:{port}")


async def one_by_one(work: Work, seconds: float) -> float:
    """Return how often `work` would get done in a second, were each as quick as the median."""
    end, took = time.perf_counter() + seconds, []
    while (began := time.perf_counter()) < end:
        await work()
        took.append(time.perf_counter() - began)
    return 1 / median(took)


async def rate(work: Work, seconds: float) -> float:
    """Return how often `work` gets done in a second."""
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        await work()
        done += 1
    return done / (time.perf_counter() - began)


async def at_once(work: Work, seconds: float) -> float:
    """Return how often `work` gets done in a second, several at once."""
    return sum(await asyncio.gather(*(rate(work, seconds) for _ in range(AT_ONCE))))


def turns(
    runner: asyncio.Runner,
    how: Callable[[Work, float], Coroutine[None, None, float]],
    sides: Mapping[str, Work],
    seconds: float,
) -> Mapping[str, float]:
    """Measure the sides in turns on one event loop."""
    measured = {
        name: partial(lambda one: Sample(runner.run(how(one, seconds))), work)
        for name, work in sides.items()
    }
    return {name: sample.rate for name, sample in in_turns(measured).items()}


def rows(seconds: float = 1.0) -> Iterator[Row]:
    """Measure both in turns."""
    with tempfile.TemporaryDirectory() as directory, asyncio.Runner() as runner:
        place, launcher = Path(directory), Launcher(None)
        sides: dict[str, Work] = {
            "bare": bare, "ours": partial(supervised, place, None, launcher),
        }  # fmt: skip
        found = turns(runner, one_by_one, sides, seconds)
        runner.run(launcher.close())
        yield Row("scripts, one after the other", found["ours"], "bare subprocess", found["bare"])
        adds_ms = 1000 / found["ours"] - 1000 / found["bare"]
        what = "what a run adds to a bare subprocess"
        yield Row(what, adds_ms, "bare subprocess", 1000 / found["bare"], " ms")
        yield from boxed(runner, place, seconds)


def boxed(runner: asyncio.Runner, data: Path, seconds: float) -> Iterator[Row]:
    """Measure sandboxes in turns with bare subprocesses, where there are any."""
    try:
        sandbox = sandbox_here(UID)
    except Problem as problem:
        print(f"no sandbox: {problem.message}", file=sys.stderr)
        return
    workdir = sandbox.workdir(data)
    workdir.mkdir(mode=0o711, exist_ok=True)
    made = boxes(sandbox, workdir, nowhere)
    sides: Mapping[str, Work] = {
        "bare": bare, "bwrap": partial(bare, *BWRAP), "same": partial(bare, *same_as(made)),
        "ours": partial(supervised, workdir, made),
        "helped": partial(supervised, workdir, made, None, Desk()),
    }  # fmt: skip
    alone = turns(runner, one_by_one, sides, seconds)
    many = turns(runner, at_once, sides, seconds)
    runner.run(made.close())
    workdir.rmdir()
    for name, told in BASELINES.items():
        yield Row("sandboxed scripts, one after the other", alone["ours"], told, alone[name])
    for name, told in BASELINES.items():
        what = f"sandboxed scripts, {AT_ONCE} at once"
        yield Row(what, many["ours"], f"{told}, {AT_ONCE} at once", many[name])
    for how, found in (("one after the other", alone), (f"{AT_ONCE} at once", many)):
        what = f"sandboxed scripts with helpers, {how}"
        yield Row(what, found["helped"], "without helpers", found["ours"])
    for name, told in BASELINES.items():
        adds_ms = 1000 / alone["ours"] - 1000 / alone[name]
        yield Row(f"what a sandbox adds to a {told}", adds_ms, told, 1000 / alone[name], " ms")
    adds_ms = 1000 / alone["helped"] - 1000 / alone["bare"]
    what = "what a sandbox with helpers adds to a bare subprocess"
    yield Row(what, adds_ms, BASELINES["bare"], 1000 / alone["bare"], " ms")


def same_as(made: Boxes) -> tuple[str, ...]:
    """Return a bwrap with the options of ours that need no open file."""
    options = usual_options(made.sandbox, made.system.root()).decode().rstrip("\0").split("\0")
    run = ("--perms", "0755", "--tmpfs", "/run", "--remount-ro", "/run")
    return (made.sandbox.program, *options, *run, *BARE)


if __name__ == "__main__":
    for line in markdown(rows(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)):
        print(line)
