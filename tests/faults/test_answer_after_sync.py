"""The answer to a ping follows the sync that follows the write of its row: seen by strace."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.harness.ledger import Ledger
from tests.harness.pinging import ping
from tests.harness.promises import Promise, promises
from tests.harness.served import PROGRAM
from tests.harness.syscalls import Call, Traced, read

PINGS = 200
SYNCS = ("fsync", "fdatasync")
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


def too_early(calls: Sequence[Call]) -> list[str]:
    """Return the rids of pings that were answered before their transaction was synced."""
    log = frames(calls)
    synced = [c for c in calls if c.name in SYNCS and c.file.endswith(".db-wal") and c.result == 0]
    return [promise.rid for promise in promises(calls) if not _kept(promise, log, synced)]


def _kept(promise: Promise, log: Sequence[Frame], syncs: Sequence[Call]) -> bool:
    row = f"{promise.rid}client".encode()  # what a ping of the ledger's clients looks like in a row
    at = next((n for n, frame in enumerate(log) if row in frame.page.data), len(log))
    commit = next((frame.page for frame in log[at:] if frame.commits), None)
    return commit is not None and any(
        commit.ended < sync.begun and sync.ended < promise.place for sync in syncs
    )


def recorded(folder: Path, *program: str) -> list[Call]:
    """Run a server under strace through some pings, and return what it did."""
    home = folder / "disk"
    home.mkdir()
    ledger = Ledger.at(folder / "ledger.txt")
    with ledger.file, Traced(home / "data", program or PROGRAM) as server:
        server.start()
        watch = server.post("/watches", {"name": "Backup", "schedule": "every 1h"})
        keys = [watch["ping_url"].rpartition("/")[2]]
        asyncio.run(ping(server.port, keys, ledger, PINGS))
        server.finish(politely=True)
    calls, _ = read(server.traces, home)
    assert {promise.rid for promise in promises(calls)} == ledger.acked
    return calls


def test_every_answer_follows_the_sync_of_its_row(tmp_path: Path) -> None:
    calls = recorded(tmp_path)
    count, early = len(promises(calls)), too_early(calls)
    print(f"answer after sync: {count} pings answered, {len(early)} before their row was synced")
    assert early == []
    assert count >= PINGS
    # The same trace with its syncs taken out, or each of them held up a little.
    assert len(too_early([call for call in calls if call.name not in SYNCS])) == count
    assert too_early([late(call) if call.name in SYNCS else call for call in calls])


def late(sync: Call) -> Call:
    """Return a sync that ends later than it did."""
    return replace(sync, ended=sync.ended + 100)


def test_a_server_that_does_not_wait_for_the_disk_is_seen(tmp_path: Path) -> None:
    calls = recorded(tmp_path, sys.executable, "-c", HASTY)
    assert len(too_early(calls)) == len(promises(calls)) >= PINGS
