"""What one call of a helper costs a sandboxed script, beside what starting any program costs it.

Each script times its own calls of `getVariable`; the desk answers from memory. The baseline is
`/bin/true`, started by the same Bash: what a helper that is a program would cost at the very least.

Usage: python -m bench.helpers [calls, default 200]
"""

import asyncio
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from bench.spawn import UID, nowhere
from bench.table import Row, markdown
from dogwatch.clock import SystemClock
from dogwatch.core.helper import Reply
from dogwatch.core.problems import Problem
from dogwatch.core.script_action import Language, ScriptAction
from dogwatch.runners.around import found as sandbox_here
from dogwatch.runners.box import Boxes, boxes
from dogwatch.runners.interpreters import Interpreters
from dogwatch.runners.script import run_script

ROUNDS = 3
INTERPRETERS = Interpreters({"bash": "bash", "python": "/usr/bin/python3", "node": "node"})
BASH = """
timed() {
  local n began; for ((n = 0; n < CALLS; n++)); do
    began=${EPOCHREALTIME/./}; eval "$2"; echo "$1 $((${EPOCHREALTIME/./} - began))"
  done
}
timed true /bin/true
timed bash 'cronium.getVariable -v x K'
timed 'bash-$()' 'x=$(cronium.getVariable K)'
"""
PYTHON = """
import time
for _ in range(CALLS):
    began = time.perf_counter(); cronium.getVariable("K")
    print("python", round((time.perf_counter() - began) * 1e6))
"""
NODE = """
for (let n = 0; n < CALLS; n++) {
  const began = process.hrtime.bigint(); cronium.getVariable("K");
  console.log("node", Number((process.hrtime.bigint() - began) / 1000n));
}
"""
SOURCES: Mapping[Language, str] = {"bash": BASH, "python": PYTHON, "node": NODE}


class Desk:
    """Answers at once."""

    token = "token"

    async def ask(self, _operation: str, _args: Sequence[str]) -> Reply:
        """Return a value."""
        return Reply("text", "value")


async def timed(language: Language, calls: int, workdir: Path, made: Boxes) -> list[list[str]]:
    """Run one script; return the lines that it prints."""
    out = bytearray()
    source = SOURCES[language].replace("CALLS", str(calls))
    result = await run_script(
        ScriptAction(language, source), run_id="bench", attempt=1, slot_at=None, input="",
        workdir=workdir, clock=SystemClock(), on_output=lambda _, chunk: out.extend(chunk),
        interpreters=INTERPRETERS, desk=Desk(), boxes=made,
    )  # fmt: skip
    assert result.exit_code == 0, (result, out)
    return [line.split() for line in out.decode().splitlines()]


async def story(calls: int, workdir: Path, made: Boxes) -> Mapping[str, list[float]]:
    """Let the languages take turns; return the microseconds of each call."""
    took: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for language in SOURCES:
            for name, us in await timed(language, calls, workdir, made):
                took.setdefault(name, []).append(float(us))
    await made.close()
    return took


def rows(calls: int = 200) -> Iterator[Row]:
    """Measure in a sandbox, where there is one."""
    try:
        sandbox = sandbox_here(UID)
    except Problem as problem:
        print(f"no sandbox: {problem.message}", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as directory:
        workdir = sandbox.workdir(Path(directory))
        workdir.mkdir(mode=0o711, exist_ok=True)
        took = asyncio.run(story(calls, workdir, boxes(sandbox, workdir, nowhere)))
        workdir.rmdir()
    for name in took.keys() - {"true"}:
        for what, at in (("p50", median), ("p99", _p99)):
            yield Row(
                f"a helper's call, {name}, {what}", at(took[name]), f"/bin/true, {what}",
                at(took["true"]), " µs",
            )  # fmt: skip


def _p99(values: Sequence[float]) -> float:
    return sorted(values)[len(values) * 99 // 100]


if __name__ == "__main__":
    for line in markdown(rows(int(sys.argv[1]) if len(sys.argv) > 1 else 200)):
        print(line)
