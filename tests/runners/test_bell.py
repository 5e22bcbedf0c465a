"""However a script rings, one turn of the loop does a bounded part of the work."""

import asyncio
import os
from collections.abc import Iterator

import pytest

from dogwatch.runners import bell
from dogwatch.runners.bell import Bell


class Heard:
    """A bell whose FIFO is a pipe, and whose turns the test takes itself."""

    def __init__(self, lanes: str = "") -> None:
        self.lanes = lanes
        self.ears, self.mouth = os.pipe()
        os.set_blocking(self.ears, False)
        self.letters = 0
        self.renewals = 0
        self.ended = 0

    async def turns(self, rings: bytes, count: int) -> int:
        """Ring, and return how many letters each of so many turns heard at most."""
        loop = asyncio.get_running_loop()
        self.bell = Bell(loop, self.ears, rung=self._rung, lost=self._lost, enough=self._enough)
        self.bell.hear()
        most = 0
        for _ in range(count):
            if rings:
                os.write(self.mouth, rings)
            before = self.letters
            self.bell._turn()
            most = max(most, self.letters - before)
        self.bell.close()
        return most

    def _rung(self, letter: str) -> bool:
        self.letters += 1
        return letter in self.lanes

    def _lost(self) -> None:
        self.renewals += 1

    def _enough(self) -> None:
        self.ended += 1


@pytest.fixture
def heard() -> Iterator[Heard]:
    one = Heard("ab")
    yield one
    os.close(one.ears)
    os.close(one.mouth)


def test_a_turn_hears_a_bounded_number_and_renews_once(heard: Heard) -> None:
    most = asyncio.run(heard.turns(b"!" * 500, 10))
    assert (most, heard.renewals, heard.ended) == (bell.LETTERS_PER_TURN, 1, 0)


def test_too_much_without_sense_ends_it_once(heard: Heard) -> None:
    turns = bell.MOST_SENSELESS // bell.LETTERS_PER_TURN + 10
    asyncio.run(heard.turns(b"~" * bell.LETTERS_PER_TURN, turns))
    assert heard.ended == 1


def test_rings_that_make_sense_are_as_many_as_they_like(heard: Heard) -> None:
    turns = bell.MOST_SENSELESS // bell.LETTERS_PER_TURN + 10
    asyncio.run(heard.turns(b"ab" * 32, turns))
    assert (heard.ended, heard.renewals) == (0, 0)


def test_what_is_asked_while_it_rests_is_done_afterwards(
    heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bell, "SPAN_S", 0.0)

    async def twice() -> None:
        await heard.turns(b"!", 3)
        assert heard.renewals == 1
        heard.bell._over()
        assert heard.renewals == 2
        heard.bell._over()
        heard.bell.close()

    asyncio.run(twice())
    assert heard.renewals == 2
