"""A clock that moves only when a test moves it."""

from datetime import UTC, datetime, timedelta

START_AT = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


class ManualClock:
    """A `Clock`: wall time and monotonic seconds, which part only in `step_wall`."""

    def __init__(self, start: datetime = START_AT) -> None:
        self._now = start
        self._monotonic = 1000.0

    def now(self) -> datetime:
        """Return the wall time."""
        return self._now

    def monotonic(self) -> float:
        """Return the monotonic seconds."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds

    def step_wall(self, seconds: float) -> None:
        """Set the wall clock forward (or back), as an administrator or NTP does."""
        self._now += timedelta(seconds=seconds)
