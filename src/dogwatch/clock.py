"""The only place that reads a clock. Everything else is handed a `Clock` or an instant."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Wall time in UTC for what is stored, monotonic seconds for what is measured."""

    def now(self) -> datetime:
        """Return the wall time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back; their zero has no meaning."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the wall time, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go back, suspended time included where the system can."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)


class SharedClock:
    """The time of the database, which all nodes on it share; ours carries it on in between.

    Wall clocks of two machines differ and are set, but what one node writes another judges. Only
    the monotonic seconds of `own` count from the first `agree` on.
    """

    def __init__(self, own: Clock) -> None:
        self._own = own
        self._zero_at = own.now() - timedelta(seconds=own.monotonic())

    def now(self) -> datetime:
        """Return the shared time, aware, in UTC."""
        return self._zero_at + timedelta(seconds=self._own.monotonic())

    def monotonic(self) -> float:
        """Return our own monotonic seconds."""
        return self._own.monotonic()

    def agree(self, shared_at: datetime, asked_s: float) -> None:
        """Take over a time that was read between `asked_s`, in monotonic seconds, and now.

        A difference within what the question took is none, so that time does not jitter.
        """
        took = timedelta(seconds=self._own.monotonic() - asked_s)
        zero_at = shared_at - timedelta(seconds=asked_s) - took / 2
        if abs(zero_at - self._zero_at) > took / 2:
            self._zero_at = zero_at
