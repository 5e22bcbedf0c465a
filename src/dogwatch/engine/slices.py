"""How much one step takes on at once, so that a long day's work never holds up a ping."""

from dogwatch.clock import Clock

# A ping waits for the transaction before its own; on SQLite there is one at a time.
ENOUGH_S = 0.025


class Slices:
    """Learns from what each slice took how large the next may be, between `least` and `most`."""

    def __init__(self, clock: Clock, least: int, most: int) -> None:
        self._clock = clock
        self._least = least
        self._most = most
        self._began = 0.0
        self.size = least

    def begin(self) -> int:
        """Return the size of the slice that begins now."""
        self._began = self._clock.monotonic()
        return self.size

    def end(self, done: int) -> None:
        """Note that a slice of so many has ended; one that was not full teaches little."""
        took_s = self._clock.monotonic() - self._began
        if took_s > ENOUGH_S:
            self.size = max(self.size // 2, self._least)
        elif done >= self.size and took_s < ENOUGH_S / 2:
            self.size = min(self.size * 2, self._most)
