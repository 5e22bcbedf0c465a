"""How much one step takes on at once, so that a long day's work never holds up a ping."""

from dogwatch.clock import Clock


class Slices:
    """Learns from what each slice took how large the next may be, between `least` and `most`.

    One should take no longer than `enough_s`; see `Database.slice_s`.
    """

    def __init__(self, clock: Clock, enough_s: float, least: int, most: int) -> None:
        self._clock = clock
        self._enough_s = enough_s
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
        if took_s > self._enough_s:
            self.size = max(self.size // 2, self._least)
        elif done >= self.size and took_s < self._enough_s / 2:
            self.size = min(self.size * 2, self._most)
