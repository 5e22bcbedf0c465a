"""Scripts per second: `run_script` against a bare subprocess, one after the other, same run.

Usage: python bench/spawn.py [seconds for each, default 3]
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from dogwatch.clock import SystemClock
from dogwatch.core.script_action import ScriptAction
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
        interpreters={"bash": "bash"},
    )
    assert result.exit_code == 0, result


async def rate(work: Callable[[], Awaitable[None]], seconds: float) -> float:
    """Return how often `work` gets done in a second."""
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        await work()
        done += 1
    return done / (time.perf_counter() - began)


async def main(seconds: float) -> None:
    """Print both rates and their ratio."""
    with tempfile.TemporaryDirectory() as directory:
        plain = await rate(bare, seconds)
        ours = await rate(lambda: supervised(Path(directory)), seconds)
    print(f"bare {plain:.0f}/s   run_script {ours:.0f}/s   ratio {ours / plain:.2f}")


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 3.0))
