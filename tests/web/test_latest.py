"""One work for all who ask meanwhile, and for those of the next second."""

import asyncio

import pytest

from dogwatch.web.latest import FRESH_S, Latest
from tests.harness.clock import ManualClock


class Work:
    """Counts how often it is done; it takes until it is let go."""

    def __init__(self) -> None:
        self.done = 0
        self.go = asyncio.Event()
        self.fault: Exception | None = None

    async def __call__(self) -> int:
        await self.go.wait()
        self.done += 1
        if self.fault:
            raise self.fault
        return self.done


def test_who_goes_does_not_end_it_for_the_others(manual_clock: ManualClock) -> None:
    async def scene() -> tuple[int, int]:
        work = Work()
        latest = Latest(work, manual_clock)
        gone, stays = (asyncio.create_task(latest.get()) for _ in range(2))
        await asyncio.sleep(0)
        gone.cancel()
        work.go.set()
        return await stays, work.done

    assert asyncio.run(scene()) == (1, 1)


def test_it_is_done_again_once_it_is_old(manual_clock: ManualClock) -> None:
    async def scene() -> list[int]:
        work = Work()
        work.go.set()
        latest = Latest(work, manual_clock)
        found = [await latest.get()]
        manual_clock.advance(FRESH_S / 2)
        found.append(await latest.get())
        manual_clock.advance(FRESH_S / 2)
        return [*found, await latest.get()]

    assert asyncio.run(scene()) == [1, 1, 2]


def test_a_fault_is_told_and_not_kept(manual_clock: ManualClock) -> None:
    async def scene() -> int:
        work = Work()
        work.go.set()
        work.fault = OSError("disk")
        latest = Latest(work, manual_clock)
        with pytest.raises(OSError, match="disk"):
            await latest.get()
        work.fault = None
        return await latest.get()

    assert asyncio.run(scene()) == 2


def test_what_takes_long_rests_as_much_longer(manual_clock: ManualClock) -> None:
    async def scene() -> list[int]:
        work = Work()
        latest = Latest(work, manual_clock, rest=10)
        slow = asyncio.create_task(latest.get())
        await asyncio.sleep(0)
        manual_clock.advance(2)
        work.go.set()
        found = [await slow]
        for later_s in (19, 1):
            manual_clock.advance(later_s)
            found.append(await latest.get())
        return found

    assert asyncio.run(scene()) == [1, 1, 2]
