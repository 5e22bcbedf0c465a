"""Scripts per second: `run_script` against a bare subprocess, same run.

One after the other as the server's user and in a sandbox; then sandboxes, several at once.

Usage: python -m bench.spawn [seconds for each turn, default 1]
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

from bench.table import Row, markdown
from bench.turns import Sample, in_turns
from dogwatch.clock import SystemClock
from dogwatch.core.problems import Problem
from dogwatch.core.script_action import ScriptAction
from dogwatch.runners.interpreters import Interpreters
from dogwatch.runners.sandbox import Sandbox
from dogwatch.runners.sandbox import found as sandbox_here
from dogwatch.runners.script import run_script

AT_ONCE = 4
UID = 65_533
TRUE = ScriptAction("bash", "true\n")


async def bare() -> None:
    """Start bash and read its output, with nothing around it."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec("/bin/bash", "-c", "true", stdout=pipe)
    await process.communicate()


async def supervised(workdir: Path, sandbox: Sandbox | None = None) -> None:
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
        sandbox=sandbox,
    )
    assert result.exit_code == 0, result


async def rate(work: Callable[[], Awaitable[None]], seconds: float) -> float:
    """Return how often `work` gets done in a second."""
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        await work()
        done += 1
    return done / (time.perf_counter() - began)


async def at_once(work: Callable[[], Awaitable[None]], seconds: float) -> float:
    """Return how often `work` gets done in a second, several at once."""
    return sum(await asyncio.gather(*(rate(work, seconds) for _ in range(AT_ONCE))))


def rows(seconds: float = 1.0) -> Iterator[Row]:
    """Measure both in turns."""
    with tempfile.TemporaryDirectory() as directory:
        work = {"bare": bare, "ours": lambda: supervised(Path(directory))}
        found = in_turns({name: partial(measure, one, seconds) for name, one in work.items()})
        plain, ours = found["bare"].rate, found["ours"].rate
        yield Row("scripts, one after the other", ours, "bare subprocess", plain)
        yield from boxed(Path(directory), seconds)


def boxed(data: Path, seconds: float) -> Iterator[Row]:
    """Measure sandboxes in turns with bare subprocesses, where there are any."""
    try:
        sandbox = sandbox_here(UID)
    except Problem as problem:
        print(f"no sandbox: {problem.message}", file=sys.stderr)
        return
    workdir = sandbox.workdir(data)
    workdir.mkdir(mode=0o711, exist_ok=True)
    work = {"bare": bare, "ours": lambda: supervised(workdir, sandbox)}
    alone = in_turns({name: partial(measure, one, seconds) for name, one in work.items()})
    many = in_turns({name: partial(measure_many, one, seconds) for name, one in work.items()})
    workdir.rmdir()
    plain, ours = alone["bare"].rate, alone["ours"].rate
    yield Row("sandboxed scripts, one after the other", ours, "bare subprocess", plain)
    yield Row(
        f"sandboxed scripts, {AT_ONCE} at once", many["ours"].rate,
        f"bare, {AT_ONCE} at once", many["bare"].rate,
    )  # fmt: skip
    yield Row("what a sandbox adds", 1000 / ours - 1000 / plain, "bare", 1000 / plain, " ms")


def measure_many(work: Callable[[], Awaitable[None]], seconds: float) -> Sample:
    """Measure several at once for so long."""
    return Sample(asyncio.run(at_once(work, seconds)))


def measure(work: Callable[[], Awaitable[None]], seconds: float) -> Sample:
    """Measure one of them for so long."""
    return Sample(asyncio.run(rate(work, seconds)))


if __name__ == "__main__":
    for line in markdown(rows(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)):
        print(line)
