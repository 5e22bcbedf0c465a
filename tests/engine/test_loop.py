"""A turning loop: woken, stopped, and never ended by a step that fails."""

import asyncio
from dataclasses import dataclass, field

import pytest

from dogwatch.core.problems import Problem
from dogwatch.engine import loop as loops
from dogwatch.engine.loop import Turning


@dataclass
class Script:
    """A loop whose steps answer or raise what they are told, then ask for an hour's wait."""

    steps: list[float | Exception] = field(default_factory=list)
    name: str = "script"
    topics: frozenset[str] = frozenset()
    count: int = 0
    stepped: asyncio.Event = field(default_factory=asyncio.Event)

    async def step(self) -> float:
        self.count += 1
        self.stepped.set()
        answer = self.steps.pop(0) if self.steps else 3600
        if isinstance(answer, Exception):
            raise answer
        return answer


async def turned(script: Script, wakes: int = 0) -> int:
    """Turn until nothing moves, wake so many times, stop; return the number of steps."""
    turning = Turning(script)
    task = asyncio.create_task(turning.run())
    for _ in range(wakes):
        await asyncio.wait_for(script.stepped.wait(), 60)
        script.stepped.clear()
        turning.wake()
    while script.steps or not script.stepped.is_set():
        await asyncio.wait_for(script.stepped.wait(), 60)
        await asyncio.sleep(0)
    turning.stop()
    await asyncio.wait_for(task, 60)
    return script.count


def test_it_waits_as_long_as_the_step_says() -> None:
    assert asyncio.run(turned(Script())) == 1


def test_it_goes_on_at_once_after_zero() -> None:
    assert asyncio.run(turned(Script([0, 0, 0, 3600]))) == 4


def test_each_wake_up_ends_the_wait() -> None:
    assert asyncio.run(turned(Script(), wakes=3)) == 4


def test_a_wake_up_during_a_step_is_not_forgotten() -> None:
    async def run() -> int:
        script = Script()
        turning = Turning(script)
        turning.wake()
        task = asyncio.create_task(turning.run())
        await script.stepped.wait()
        turning.stop()
        await task
        return script.count

    assert asyncio.run(run()) == 1


@pytest.mark.parametrize("error", [ValueError("broken"), Problem("away", "no database")])
def test_a_step_that_fails_is_tried_again(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loops, "FAILED_PAUSE_S", 0.01)
    assert asyncio.run(turned(Script([error, error, 3600]))) == 3
