"""Scripts per second: `run_script` against a bare subprocess, one after the other, same run.

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
from dogwatch.core.script_action import ScriptAction
from dogwatch.runners.interpreters import Interpreters
from dogwatch.runners.script import run_script

TRUE = ScriptAction("bash", "true\n")


async def bare() -> None:
    """Start bash and read its output, with nothing around it."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec("/bin/bash", "-c", "true", stdout=pipe)
    await process.communicate()


async def supervised(workdir: Path) -> None:
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
    )
    assert result.exit_code == 0, result


async def rate(work: Callable[[], Awaitable[None]], seconds: float) -> float:
    """Return how often `work` gets done in a second."""
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        await work()
        done += 1
    return done / (time.perf_counter() - began)


def rows(seconds: float = 1.0) -> Iterator[Row]:
    """Measure both in turns."""
    with tempfile.TemporaryDirectory() as directory:
        work = {"bare": bare, "ours": lambda: supervised(Path(directory))}
        found = in_turns({name: partial(measure, one, seconds) for name, one in work.items()})
    plain, ours = found["bare"].rate, found["ours"].rate
    yield Row("scripts, one after the other", ours, "bare subprocess", plain)


def measure(work: Callable[[], Awaitable[None]], seconds: float) -> Sample:
    """Measure one of them for so long."""
    return Sample(asyncio.run(rate(work, seconds)))


if __name__ == "__main__":
    for line in markdown(rows(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)):
        print(line)
