"""What one turn of the loop writes leaves in one piece, in order and whole."""

import asyncio
from typing import Any

from dogwatch.web.corked import Corked


class Pipe(asyncio.Transport):
    """Notes what reaches the wire."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Any] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.seen.append(bytes(data))

    def close(self) -> None:
        self.seen.append("close")

    def is_closing(self) -> bool:
        return "close" in self.seen

    def write_eof(self) -> None:
        self.seen.append("eof")

    def abort(self) -> None:
        self.seen.append("abort")

    def get_write_buffer_size(self) -> int:
        return 100


def wire(*turns: str) -> list[Any]:
    """Return what the wire sees of turns in which letters are written and the rest is called."""

    async def play() -> list[Any]:
        pipe = Pipe()
        corked = Corked(pipe, asyncio.get_running_loop())
        for turn in turns:
            for word in turn.split():
                getattr(corked, word)() if len(word) > 1 else corked.write(word.encode())
            await asyncio.sleep(0)
        return pipe.seen

    return asyncio.run(play())


def test_one_turn_is_one_piece() -> None:
    assert wire("a b", "c", "") == [b"ab", b"c"]


def test_nothing_is_left_behind_by_an_end() -> None:
    assert wire("a b close") == [b"ab", "close"]
    assert wire("a write_eof b") == [b"a", "eof", b"b"]
    assert wire("close a") == ["close"]


def test_a_cut_drops_what_is_kept() -> None:
    assert wire("a abort") == ["abort"]


def test_what_is_kept_counts_as_unsent() -> None:
    async def size() -> int:
        corked = Corked(Pipe(), asyncio.get_running_loop())
        corked.write(b"abc")
        return corked.get_write_buffer_size()

    assert asyncio.run(size()) == 103
