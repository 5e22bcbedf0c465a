"""The answer to a ping follows the sync that follows the write of its row: seen by strace."""

import re
import sys
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.harness.promises import Promise
from tests.harness.proof import tell
from tests.harness.recording import Recording, record
from tests.harness.syscalls import Call

SYNCS = ("fsync", "fdatasync")
ROW = re.compile(rb"(\d+-\d+)client ")  # rid and body, side by side, of a ping of our clients
NEVER = float("inf")
# A server of these tests alone: as ours, but its store does not wait for the disk.
HASTY = """
from dogwatch.store import sqlite
sqlite._COMMON = tuple(word.replace("FULL", "OFF") for word in sqlite._COMMON)
from dogwatch.cli import main
main()
"""


@dataclass(frozen=True, slots=True)
class Frame:
    """A page in the write-ahead log; the last of a transaction is its commit (SQLite's format)."""

    page: Call
    commits: bool


def frames(calls: Sequence[Call]) -> list[Frame]:
    """Return the frames that were written, in order: a header of 24 bytes, then the page."""
    writes = [c for c in calls if c.name == "pwrite64" and c.file.endswith(".db-wal") and c.number]
    pairs = zip(writes[::2], writes[1::2], strict=True)
    return [Frame(page, head.data[4:8] != bytes(4)) for head, page in pairs]


def too_early(calls: Sequence[Call], promised: Sequence[Promise]) -> list[str]:
    """Return the rids of pings that were answered before their transaction was synced."""
    written = committed(frames(calls))
    syncs = [c for c in calls if c.name in SYNCS and c.file.endswith(".db-wal") and c.result == 0]
    kept = {rid: _end_of_next(syncs, commit) for rid, commit in written.items()}
    return [ping.rid for ping in promised if kept.get(ping.rid, NEVER) > ping.place]


def committed(log: Sequence[Frame]) -> dict[str, int]:
    """Return for each ping in the log where the commit that saved it was written."""
    found: dict[str, int] = {}
    rows: set[str] = set()
    for frame in log:
        rows |= {rid.decode() for rid in ROW.findall(frame.page.data)}
        if frame.commits:
            found = dict.fromkeys(rows, frame.page.ended) | found
            rows = set()
    return found


def _end_of_next(syncs: Sequence[Call], place: int) -> float:
    """Return where the first sync that begins after `place` has ended."""
    at = bisect(syncs, place, key=lambda sync: sync.begun)
    return min((sync.ended for sync in syncs[at : at + 1]), default=NEVER)


def test_every_answer_follows_the_sync_of_its_row(recording: Recording) -> None:
    calls, promised = recording.calls, recording.promised
    early = too_early(calls, promised)
    figure = f"{len(promised)} answers, {len(early)} before the sync of their row"
    told = tell("a ping is answered once it is on disk", figure, holds=not early)
    assert early == [], told
    assert len(promised) >= 900
    # The same trace without its syncs, and with each of them held up.
    assert len(too_early([c for c in calls if c.name not in SYNCS], promised)) == len(promised)
    assert too_early([late(c) if c.name in SYNCS else c for c in calls], promised)


def late(sync: Call) -> Call:
    """Return a sync that ends later than it did."""
    return replace(sync, ended=sync.ended + 100)


def test_a_server_that_does_not_wait_for_the_disk_is_seen(tmp_path: Path) -> None:
    hasty = record(tmp_path, (True,), (sys.executable, "-c", HASTY), pings=50)
    early = too_early(hasty.calls, hasty.promised)
    assert len(early) == len(hasty.promised) >= 50
