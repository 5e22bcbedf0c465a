"""Scripts per second: `run_script` against a bare subprocess, same run.

One after the other as the server's user and in a sandbox; then sandboxes, several at once.

Usage: python -m bench.spawn [seconds for each, default 3]
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from bench.table import Row, markdown
from dogwatch.clock import SystemClock
from dogwatch.core.problems import Problem
from dogwatch.core.script_action import ScriptAction
from dogwatch.runners.interpreters import Interpreters
from dogwatch.runners.sandbox import Sandbox, found
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
    """Return how often `work` gets done in a second, so many at once as the server has lanes."""
    return sum(await asyncio.gather(*(rate(work, seconds) for _ in range(AT_ONCE))))


async def boxed(seconds: float) -> tuple[float, float, float, float]:
    """Return the rates of the bare subprocess and of sandboxes: alone, then several at once."""
    sandbox = found(UID)
    with tempfile.TemporaryDirectory() as directory:
        workdir = sandbox.workdir(Path(directory))
        workdir.mkdir(mode=0o711, exist_ok=True)

        async def one() -> None:
            await supervised(workdir, sandbox)

        try:
            return (
                await rate(bare, seconds),
                await rate(one, seconds),
                await at_once(bare, seconds),
                await at_once(one, seconds),
            )
        finally:
            workdir.rmdir()


async def both(seconds: float) -> tuple[float, float]:
    """Return the rates of the bare subprocess and of ours."""
    with tempfile.TemporaryDirectory() as directory:
        return await rate(bare, seconds), await rate(lambda: supervised(Path(directory)), seconds)


def rows(seconds: float = 2.0) -> Iterator[Row]:
    """Measure one after the other."""
    plain, ours = asyncio.run(both(seconds))
    yield Row("scripts, one after the other", ours, "bare subprocess", plain)
    try:
        plain, ours, plain_at_once, ours_at_once = asyncio.run(boxed(seconds))
    except Problem as problem:
        print(f"no sandbox: {problem.message}", file=sys.stderr)
        return
    yield Row("sandboxed scripts, one after the other", ours, "bare subprocess", plain)
    what = f"sandboxed scripts, {AT_ONCE} at once"
    yield Row(what, ours_at_once, f"bare, {AT_ONCE} at once", plain_at_once)
    yield Row("what a sandbox adds", 1000 / ours - 1000 / plain, "bare", 1000 / plain, " ms")


if __name__ == "__main__":
    for line in markdown(rows(float(sys.argv[1]) if len(sys.argv) > 1 else 3.0)):
        print(line)
