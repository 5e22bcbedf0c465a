"""The spool: what was acknowledged is read again, whatever befalls the file or the process."""

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dogwatch.core.ping import Heard, Kind
from dogwatch.core.problems import Problem
from dogwatch.spool import Entry, Segment, Spool, read, record
from tests.eventually import eventually
from tests.harness.clock import START_AT

PING = Heard(key="k" * 20, at=START_AT)
ID = "0" * 26

heards = st.builds(
    Heard,
    key=st.text(max_size=8),
    workspace_key=st.text(max_size=8),
    slug=st.text(max_size=8),
    create=st.booleans(),
    kind=st.sampled_from(Kind),
    exit_code=st.none() | st.integers(0, 255),
    rid=st.none() | st.text(max_size=8),
    body=st.text(max_size=40),
    body_bytes=st.integers(0, 2**40),
    user_agent=st.text(max_size=8),
    at=st.integers(-(10**9), 10**9).map(lambda us: START_AT + timedelta(microseconds=us)),
)


def pings(count: int) -> list[Heard]:
    return [replace(PING, slug=str(number)) for number in range(count)]


def drained(spool: Spool) -> list[Entry]:
    """Return all entries, oldest first, removing each segment as folding does."""
    entries: list[Entry] = []
    while segment := spool.oldest():
        offset = 0
        while found := segment.read(offset, 3):
            entries += found
            offset = found[-1].end
        spool.remove(segment)
    return entries


@contextmanager
def in_memory() -> Iterator[Path]:
    """Yield a file that no disk slows down."""
    file = os.memfd_create("log")
    try:
        yield Path(f"/proc/self/fd/{file}")
    finally:
        os.close(file)


def slugs(spool: Spool) -> list[str]:
    return [entry.heard.slug for entry in drained(spool)]


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    opened = Spool(tmp_path / "spool", ID)
    yield opened
    opened.close()


@given(heards, st.booleans())
def test_a_record_holds_all_of_a_ping(heard: Heard, tried: bool) -> None:
    data = record(heard, START_AT, tried=tried)
    with in_memory() as path:
        path.write_bytes(data)
        assert read(path, 0, 9) == [Entry(heard, START_AT, tried, len(data))]


@settings(deadline=None, max_examples=15)
@given(st.lists(heards, min_size=1, max_size=3), st.binary(max_size=12))
def test_a_tail_torn_at_any_byte_costs_no_record_before_it(
    batch: list[Heard], noise: bytes
) -> None:
    parts = [record(heard, START_AT, tried=False) for heard in batch]
    data, last = b"".join(parts), len(parts[-1])
    tails = (b"", bytes(64), noise)
    with in_memory() as path:
        for torn in (
            data[:cut] + tail for cut in range(len(data) - last, len(data)) for tail in tails
        ):
            if not torn.startswith(data):  # the noise may happen to complete the record
                path.write_bytes(torn)
                assert [entry.heard for entry in read(path, 0, 9)] == batch[:-1]


@given(st.data())
def test_a_flipped_bit_ends_the_segment_there(data: st.DataObject) -> None:
    parts = [record(heard, START_AT, tried=False) for heard in pings(3)]
    where = data.draw(st.integers(len(parts[0]), len(parts[0] + parts[1]) - 1))
    whole = bytearray(b"".join(parts))
    whole[where] ^= 1 << data.draw(st.integers(0, 7))
    with in_memory() as path:
        path.write_bytes(whole)
        assert [entry.heard for entry in read(path, 0, 9)] == pings(1)


def test_nothing_is_made_before_the_first_ping(spool: Spool, tmp_path: Path) -> None:
    assert (spool.since_at, spool.oldest()) == (None, None)
    assert list(tmp_path.iterdir()) == []


def test_pings_come_back_in_order_and_leave_nothing(spool: Spool, tmp_path: Path) -> None:
    spool.append(pings(5), START_AT)
    spool.append([replace(PING, slug="later")], START_AT, tried=True)
    entries = drained(spool)
    assert [entry.heard.slug for entry in entries] == ["0", "1", "2", "3", "4", "later"]
    assert [entry.tried for entry in entries] == [False] * 5 + [True]
    assert (spool.since_at, spool.oldest()) == (None, None)
    assert list(tmp_path.glob("spool/*/*")) == []


def test_what_comes_while_a_segment_is_folded_goes_to_the_next(spool: Spool) -> None:
    spool.append(pings(1), START_AT)
    first = spool.oldest()
    later_at = START_AT + timedelta(seconds=1)
    spool.append([replace(PING, slug="later")], later_at)
    assert first is not None
    assert len(first.read(0, 9)) == 1
    assert spool.since_at == START_AT
    spool.remove(first)
    assert spool.since_at == later_at
    assert slugs(spool) == ["later"]


def test_the_oldest_time_counts_though_it_was_written_later(spool: Spool) -> None:
    spool.append(pings(1), START_AT)
    spool.append(pings(1), START_AT - timedelta(seconds=1))
    assert spool.since_at == START_AT - timedelta(seconds=1)


def test_large_spools_have_several_segments(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", ID, segment_bytes=500)
    for heard in pings(20):
        spool.append([heard], START_AT)
    assert len(list(tmp_path.glob("spool/*/*.log"))) > 5
    assert slugs(spool) == [str(number) for number in range(20)]
    spool.close()


def test_what_was_refused_is_set_aside(spool: Spool, tmp_path: Path) -> None:
    spool.append(pings(1), START_AT)
    segment = spool.oldest()
    assert segment is not None
    spool.remove(segment, refused=True)
    (aside,) = tmp_path.glob("spool/*.refused")
    assert [entry.heard for entry in read(aside, 0, 9)] == pings(1)
    spool.close()
    assert Spool(tmp_path / "spool", "1" * 26).since_at is None


def test_a_full_spool_refuses_and_takes_again_once_folded(tmp_path: Path) -> None:
    size = len(record(PING, START_AT, tried=False))
    spool = Spool(tmp_path / "spool", ID, limit_bytes=2 * size)
    spool.append([PING, PING], START_AT)
    with pytest.raises(Problem) as refused:
        spool.append([PING], START_AT)
    assert refused.value.kind == "away"
    assert len(drained(spool)) == 2
    spool.append([PING], START_AT)
    assert len(drained(spool)) == 1
    spool.close()


def test_a_write_cut_short_leaves_nothing_behind(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.append(pings(1), START_AT)
    real, full = os.write, [False]

    def half(file: int, data: memoryview) -> int:
        if full[0]:
            raise OSError(errno.ENOSPC, "full")
        full[0] = True
        return real(file, data[: len(data) // 2])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(Problem, match="No space left"):
        spool.append([replace(PING, slug="lost")], START_AT)
    monkeypatch.undo()
    spool.append([replace(PING, slug="later")], START_AT)
    assert slugs(spool) == ["0", "later"]


def test_after_a_failed_flush_nothing_of_that_file_is_acknowledged(
    spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.append(pings(1), START_AT)

    def broken(_file: int) -> None:
        raise OSError(errno.EIO, "the disk is broken")

    monkeypatch.setattr(os, "fdatasync", broken)
    with pytest.raises(Problem):
        spool.append([replace(PING, slug="unsure")], START_AT)
    monkeypatch.undo()
    spool.append([replace(PING, slug="later")], START_AT)
    assert len(list(tmp_path.glob("spool/*/*.log"))) == 2
    assert [slug for slug in slugs(spool) if slug != "unsure"] == ["0", "later"]


def test_one_flush_serves_many(
    spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, flushes = os.fdatasync, [0]
    first, go = threading.Event(), threading.Event()

    def slow(file: int) -> None:
        flushes[0] += 1
        first.set()
        assert go.wait(60)
        real(file)

    monkeypatch.setattr(os, "fdatasync", slow)
    threads = [threading.Thread(target=spool.append, args=([PING], START_AT)) for _ in range(9)]
    threads[0].start()
    assert first.wait(60)
    for thread in threads[1:]:
        thread.start()
    size = len(record(PING, START_AT, tried=False))
    (log,) = tmp_path.glob("spool/*/*.log")
    eventually(lambda: log.stat().st_size == 9 * size)
    go.set()
    for thread in threads:
        thread.join(60)
    assert flushes[0] == 2
    assert len(drained(spool)) == 9


def test_a_living_process_keeps_its_folder(tmp_path: Path) -> None:
    ours, root = Spool(tmp_path / "spool", ID), tmp_path / "spool"
    ours.append(pings(1), START_AT)
    other = Spool(root, "1" * 26)
    assert other.since_at is None
    ours.close()
    other.close()
    third = Spool(root, "2" * 26)
    assert third.since_at == START_AT
    assert slugs(third) == ["0"]
    assert list(root.iterdir()) == []
    third.close()


KILLED = """
import os, sys
from datetime import datetime, UTC
from pathlib import Path
from dogwatch.core.ping import Heard
from dogwatch.spool import Spool
spool = Spool(Path(sys.argv[1]), "a" * 26)
for number in range(10**9):
    at = datetime.now(UTC)
    spool.append([Heard(key="k" * 20, slug=str(number), at=at)], at)
    os.write(1, b"%d\\n" % number)
"""


def test_what_a_killed_process_acknowledged_is_there(tmp_path: Path) -> None:
    root = tmp_path / "spool"
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(root)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        for _ in range(200):
            last = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().decode().split("\n")[:-1]
    last = int(rest[-1]) if rest else last
    spool = Spool(root, ID)
    found = slugs(spool)
    assert found == [str(number) for number in range(len(found))]
    assert len(found) > last
    spool.close()
    assert list(root.iterdir()) == []


def test_a_segment_knows_its_place() -> None:
    segment = Segment(Path("spool") / ID / "00000042.log", START_AT)
    assert (segment.spool_id, segment.number) == (ID, 42)
