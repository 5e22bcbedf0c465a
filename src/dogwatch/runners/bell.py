"""The bell of a run: what its script rings is heard at a pace that leaves the loop to others."""

import os
from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable
from contextlib import suppress

LOST = "!"
LETTERS_PER_TURN = 64  # more than there are lanes
REST_S = 0.01
SPAN_S = 1.0
# Whoever waits in vain rings every two seconds: that many would need thousands who wait.
MOST_SENSELESS = 2000


class Bell:
    """Hears a FIFO, a bounded number of letters per turn of the loop.

    `rung` is told each letter, and returns whether it made sense. `lost` is called for `!` before,
    once per span at most. Too much without sense within a span: nothing is heard any more, and
    `enough` is called.
    """

    def __init__(
        self,
        loop: AbstractEventLoop,
        fifo: int,
        *,
        rung: Callable[[str], bool],
        lost: Callable[[], None],
        enough: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._fifo = fifo
        self._rung = rung
        self._lost = lost
        self._enough = enough
        self._senseless = 0
        self._span: TimerHandle | None = None
        self._rest: TimerHandle | None = None
        self._renewed = self._asked = self._deaf = False

    def hear(self) -> None:
        """Begin to hear, or go on."""
        self._rest = None
        self._loop.add_reader(self._fifo, self._turn)

    def close(self) -> None:
        """Hear no more."""
        self._deaf = True
        self._loop.remove_reader(self._fifo)
        for timer in (self._span, self._rest):
            if timer:
                timer.cancel()
        self._span = self._rest = None

    def senseless(self) -> None:
        """Count a ring that came to nothing."""
        if self._deaf:
            return
        self._senseless += 1
        self._span = self._span or self._loop.call_later(SPAN_S, self._over)
        if self._senseless > MOST_SENSELESS:
            self.close()
            self._enough()

    def _turn(self) -> None:
        with suppress(BlockingIOError):
            letters = os.read(self._fifo, LETTERS_PER_TURN).decode(errors="replace")
            if LOST in letters:
                self._renew()
            for letter in letters:
                if self._deaf:
                    return
                if not self._rung(letter):
                    self.senseless()
            if len(letters) >= LETTERS_PER_TURN and not self._deaf:
                self._loop.remove_reader(self._fifo)
                self._rest = self._loop.call_later(REST_S, self.hear)

    def _renew(self) -> None:
        self._asked = self._renewed
        if not self._renewed:
            self._renewed = True
            self._span = self._span or self._loop.call_later(SPAN_S, self._over)
            self._lost()

    def _over(self) -> None:
        """Begin another span, with what was asked for in vain in the last one."""
        self._span, self._senseless, self._renewed = None, 0, False
        if self._asked:
            self._renew()
