"""Output on its way to the store: live, capped, and never the end of a run."""

import asyncio
import tracemalloc
from collections.abc import Iterator
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dogwatch.core.run import ATTEMPT_SEQS
from dogwatch.engine.output import CHUNK_LENGTH, CHUNKS, OutputWriter
from dogwatch.store.database import Database
from dogwatch.store.runs import output
from tests.eventually import eventually_async
from tests.harness.house import House

Chunks = list[tuple[int, str, str]]
Told = list[tuple[str, bytes]]


@pytest.fixture
def run_key(house: House) -> tuple[int, str]:
    """A run to write for."""
    house.job()
    run = house.trigger()
    return run.workspace_id, run.id


def written(house: House, key: tuple[int, str], told: Told, cap: int = 1 << 20) -> Chunks:
    """Return what is stored of an output once its run has ended."""

    async def run() -> None:
        async with OutputWriter(house.database, key, 1, cap) as writer:
            for stream, chunk in told:
                writer.add(stream, chunk)

    asyncio.run(run())
    return stored(house, key)


def stored(house: House, key: tuple[int, str]) -> Chunks:
    """Return the stored chunks."""
    return list(house.see(lambda tx: output(tx, *key, limit=100_000)))


def text_of(chunks: Chunks, stream: str = "stdout") -> str:
    """Return the text of one stream."""
    return "".join(text for _, name, text in chunks if name == stream)


def test_both_streams_are_kept_in_their_order(house: House, run_key: tuple[int, str]) -> None:
    told = [("stdout", b"one\n"), ("stderr", b"two\n"), ("stdout", b"three\n")]
    assert written(house, run_key, told) == [
        (0, "stdout", "one\n"),
        (1, "stderr", "two\n"),
        (2, "stdout", "three\n"),
    ]


def test_small_pieces_share_a_row(house: House, run_key: tuple[int, str]) -> None:
    chunks = written(house, run_key, [("stdout", b"x")] * 1000)
    assert chunks == [(0, "stdout", "x" * 1000)]


def test_a_character_split_across_chunks_is_whole(house: House, run_key: tuple[int, str]) -> None:
    raw = "a€😀".encode()
    told = [("stdout", raw[n : n + 1]) for n in range(len(raw))]
    assert text_of(written(house, run_key, told)) == "a€😀"


def test_the_streams_do_not_mix_their_halves(house: House, run_key: tuple[int, str]) -> None:
    euro = "€".encode()
    told = [("stdout", euro[:1]), ("stderr", euro[:2]), ("stdout", euro[1:]), ("stderr", euro[2:])]
    chunks = written(house, run_key, told)
    assert (text_of(chunks), text_of(chunks, "stderr")) == ("€", "€")


def test_what_is_no_text_is_replaced(house: House, run_key: tuple[int, str]) -> None:
    chunks = written(house, run_key, [("stdout", b"a\x00b\xffc"), ("stderr", b"\xe2\x82")])
    assert (text_of(chunks), text_of(chunks, "stderr")) == ("a\ufffdb\ufffdc", "\ufffd")


def test_head_and_tail_stay_and_the_jump_shows_the_gap(
    house: House, run_key: tuple[int, str]
) -> None:
    told = [("stdout", b"%07d\n" % n) for n in range(2000)]
    chunks = written(house, run_key, told, cap=2048)
    text = text_of(chunks)
    assert len(text.encode()) <= 2048
    assert text.startswith("0000000\n0000001\n")
    assert text.endswith("0001999\n")
    seqs = [seq for seq, _, _ in chunks]
    jumps = [one for one, following in pairwise(seqs) if following - one > 1]
    assert len(jumps) == 1
    assert len(text) > 2048 - 512


def test_output_within_the_cap_is_whole(house: House, run_key: tuple[int, str]) -> None:
    raw = b"".join(b"%07d\n" % n for n in range(100))
    assert text_of(written(house, run_key, [("stdout", raw)], cap=1024)) == raw.decode()


def test_output_is_seen_while_the_run_goes_on(house: House, run_key: tuple[int, str]) -> None:
    woken: list[frozenset[str]] = []
    unsubscribe = house.database.on_wake(woken.append)

    async def run() -> Chunks:
        async with OutputWriter(house.database, run_key, 1, 1 << 20) as writer:
            writer.add("stdout", b"first\n")
            seen = await eventually_async(lambda: stored(house, run_key))
            writer.add("stdout", b"second\n")
            return seen

    assert asyncio.run(run()) == [(0, "stdout", "first\n")]
    unsubscribe()
    assert text_of(stored(house, run_key)) == "first\nsecond\n"
    assert any("output" in topics for topics in woken)


def test_rows_that_were_written_make_way_as_well(house: House, run_key: tuple[int, str]) -> None:
    async def run() -> None:
        async with OutputWriter(house.database, run_key, 1, 2048) as writer:
            for number in range(8):
                writer.add("stdout", b"%d" % number * 1024)
                await eventually_async(partial(_ends_with, house, run_key, str(number)))

    asyncio.run(run())
    text = text_of(stored(house, run_key))
    assert len(text) <= 2048
    assert (text[0], text[-1]) == ("0", "7")


def _ends_with(house: House, key: tuple[int, str], end: str) -> bool:
    return text_of(stored(house, key)).endswith(end)


def test_each_attempt_has_its_own_numbers(house: House, run_key: tuple[int, str]) -> None:
    async def run(attempt: int) -> None:
        async with OutputWriter(house.database, run_key, attempt, 1024) as writer:
            writer.add("stdout", b"%d" % attempt)

    asyncio.run(run(1))
    asyncio.run(run(2))
    assert stored(house, run_key) == [(0, "stdout", "1"), (ATTEMPT_SEQS, "stdout", "2")]


def _flood(megabytes: int) -> Iterator[bytes]:
    block = b"0123456789abcdef" * 4096
    for _ in range(megabytes * 16):
        yield block


def test_a_flood_holds_no_more_than_the_cap(sqlite_url: str) -> None:
    database = Database.open(sqlite_url)
    house = House(database)
    house.job()
    run = house.trigger()

    async def flood() -> int:
        async with OutputWriter(database, (run.workspace_id, run.id), 1, 1 << 20) as writer:
            tracemalloc.start()
            for number, block in enumerate(_flood(200)):
                writer.add("stdout", block)
                if number % 64 == 0:
                    await asyncio.sleep(0)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            return peak

    peak = asyncio.run(flood())
    chunks = stored(house, (run.workspace_id, run.id))
    database.close()
    assert peak < 8 << 20
    assert (1 << 20) - 4 * CHUNK_LENGTH < sum(len(text) for _, _, text in chunks) <= 1 << 20
    assert len(chunks) <= 2 * CHUNKS


def test_many_small_pieces_are_bounded_in_rows(sqlite_url: str) -> None:
    database = Database.open(sqlite_url)
    house = House(database)
    house.job()
    run = house.trigger()
    told = [("stdout" if n % 2 else "stderr", b"x") for n in range(30_000)]
    chunks = written(house, (run.workspace_id, run.id), told)
    database.close()
    assert len(chunks) == 2 * CHUNKS
    assert chunks[-1][0] == 29_999


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.text(max_size=300)), max_size=60)
)
def test_the_cap_holds_whatever_comes(pieces: list[tuple[str, str]]) -> None:
    house = Unopened()
    writer = OutputWriter(house, (1, "run"), 1, 1024)
    for stream, text in pieces:
        writer.add(stream, text.encode())
    kept = [(chunk.stream, chunk.text) for chunk in writer._unwritten.values()]
    assert sum(len(text.encode()) for _, text in kept) <= 1024
    for stream in ("stdout", "stderr"):
        whole = _joined(pieces, stream).replace("\0", "\ufffd")
        mine = _joined(kept, stream)
        within = sum(len(text.encode()) for _, text in pieces) * 3 <= 512
        assert mine == whole if within else len(mine) <= len(whole)


def _joined(pieces: list[tuple[str, str]], stream: str) -> str:
    return "".join(text for name, text in pieces if name == stream)


class Unopened(Database):
    """A database that nothing is asked of."""

    def __init__(self) -> None:
        """Open nothing."""
