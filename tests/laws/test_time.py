"""Laws: the clock is read in `clock.py` alone, and loops alone sleep."""

import ast
from collections.abc import Iterator

from tests.laws.house import Module, inside, module, modules, nothing

MAY_READ_THE_CLOCK = ("dogwatch.clock",)
MAY_SLEEP = ("dogwatch.engine", "tests.eventually")

CLOCKS = {
    *(f"datetime.datetime.{name}" for name in ("now", "utcnow", "today")),
    *("datetime.date.today", "email.utils.localtime"),
    *(f"time.{name}" for name in ("time", "monotonic", "perf_counter", "process_time")),
    *(f"time.{name}_ns" for name in ("time", "monotonic", "perf_counter", "process_time")),
    *(f"time.{name}" for name in ("clock_gettime", "localtime", "gmtime", "ctime", "strftime")),
}
SLEEPS = {"time.sleep", "asyncio.sleep", "anyio.sleep"}


def clock_reads(source: Module) -> Iterator[str]:
    """Yield where a clock is read: a known function, or `loop.time()`."""
    for name, node in source.uses():
        if name in CLOCKS or name.endswith(("loop.time", "loop().time")):
            yield f"{source.path}:{node.lineno}: {name}"


def sleeps(source: Module) -> Iterator[str]:
    """Yield where somebody sleeps; `sleep(0)` only lets others go first."""
    only_yield = set(_yields(source))
    for name, node in source.uses():
        if name in SLEEPS and node not in only_yield:
            yield f"{source.path}:{node.lineno}: {name}"


def _yields(source: Module) -> Iterator[ast.expr]:
    for node in ast.walk(source.tree):
        match node:
            case ast.Call(func=called, args=[ast.Constant(value=0)]):
                yield called


def test_clock_is_read_in_one_place() -> None:
    strangers = [m for m in modules("src") if not inside(m.name, MAY_READ_THE_CLOCK)]
    nothing(read for m in strangers for read in clock_reads(m))


def test_only_loops_sleep() -> None:
    strangers = [m for m in modules("src") + modules("tests") if not inside(m.name, MAY_SLEEP)]
    nothing(sleep for m in strangers for sleep in sleeps(m))


def test_planted_clock_reads_are_seen() -> None:
    text = """
from datetime import datetime as dt
import time as t, asyncio
born_at = dt.now()
factory = t.monotonic
beat = asyncio.get_running_loop().time()
fine = clock.now(), clock.monotonic(), born_at.time()
"""
    assert len(list(clock_reads(module("src/x.py", text)))) == 3


def test_planted_sleeps_are_seen() -> None:
    text = "import asyncio\nfrom time import sleep\nsleep(1)\nasyncio.sleep(0)\nasyncio.sleep(2)\n"
    assert len(list(sleeps(module("src/x.py", text)))) == 2
