"""Virtual time: a clock that jumps to the next thing to happen, and an event loop that follows."""

import asyncio
import selectors
from datetime import datetime, timedelta


class VirtualClock:
    """A `Clock`. `offset_s` is what steps have added to the wall clock."""

    def __init__(self, start_at: datetime) -> None:
        self._start_at = start_at
        self._elapsed_s = 0.0
        self.offset_s = 0.0

    def now(self) -> datetime:
        """Return the wall time."""
        return self._start_at + timedelta(seconds=self._elapsed_s + self.offset_s)

    def monotonic(self) -> float:
        """Return the seconds since the start."""
        return self._elapsed_s

    def seconds_until(self, at: datetime) -> float:
        """Return the seconds until the wall clock shows `at`, negative once it has."""
        return (at - self._start_at).total_seconds() - self.offset_s - self._elapsed_s

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._elapsed_s += seconds


class _Selector(selectors.SelectSelector):
    """Waits for nothing: it moves the clock to where the wait would have ended."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("nothing will ever happen again")
        self._clock.advance(max(timeout, 0.0))
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on a virtual clock; the same callbacks in the same order every time."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(_Selector(clock))
        self._clock = clock
        self._clock_resolution = 1e-6

    def time(self) -> float:
        """Return the virtual seconds."""
        return self._clock.monotonic()

    def _write_to_self(self) -> None:
        """Wake nobody: there is one thread."""


async def pause(seconds: float) -> None:
    """Let virtual time pass, which takes no real time."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    over: asyncio.Future[None] = loop.create_future()
    handle = loop.call_later(max(seconds, 0.0), _resolve, over)
    try:
        await over
    finally:
        handle.cancel()


def _resolve(over: asyncio.Future[None]) -> None:
    if not over.done():
        over.set_result(None)
