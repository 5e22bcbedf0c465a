"""The one place where tests may wait on the wall clock, and only for a thing to become true."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_S = 0.02


def eventually(probe: Callable[[], T], *, within_s: float = 60.0, what: str = "") -> T:
    """Return the probe's first true answer; fail after the deadline with the last one."""
    deadline = time.monotonic() + within_s
    while not (answer := probe()):
        _still_before(deadline, what, answer)
        time.sleep(POLL_S)
    return answer


async def eventually_async(probe: Callable[[], T], *, within_s: float = 60.0, what: str = "") -> T:
    """Do the same while the event loop runs on."""
    deadline = time.monotonic() + within_s
    while not (answer := probe()):
        _still_before(deadline, what, answer)
        await asyncio.sleep(POLL_S)
    return answer


def _still_before(deadline: float, what: str, answer: object) -> None:
    assert time.monotonic() < deadline, f"too late: {what or 'no answer'}; the last was {answer!r}"
