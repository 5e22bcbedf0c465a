"""A real server, recorded by strace through its lives: what it did to its files, and promised."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.harness.ledger import Ledger
from tests.harness.pinging import ping
from tests.harness.promises import Promise, promises
from tests.harness.served import PROGRAM
from tests.harness.syscalls import STREAMS, Call, Traced, read

PINGS = 350
WATCHES = 4


@dataclass(frozen=True, slots=True)
class Recording:
    """Calls on files below `home`, pings acknowledged, and the place where each life ended."""

    home: Path
    calls: list[Call]
    promised: list[Promise]
    lives: list[int]

    def promised_before(self, place: int) -> set[str]:
        return {promise.rid for promise in self.promised if promise.place < place}


def record(
    folder: Path, lives: Sequence[bool], program: tuple[str, ...] = PROGRAM, pings: int = PINGS
) -> Recording:
    """Run a server through its first start and other lives; each ends politely or by a kill.

    One that is killed is pinged until SQLite has checkpointed: the larger the batches, the later.
    """
    home = folder / "disk"
    home.mkdir()
    keys: list[str] = []
    ledger = Ledger.at(folder / "ledger.txt")
    with ledger.file, Traced(home / "data", program) as server:
        for politely in lives:
            server.start()
            keys = keys or [_made(server, number) for number in range(WATCHES)]
            before = _checkpointed_at(home)
            asyncio.run(ping(server.port, keys, ledger, pings))
            while not politely and _checkpointed_at(home) == before:
                asyncio.run(ping(server.port, keys, ledger, pings))
            server.finish(politely=politely)
    calls, ends = read(server.traces, home)
    promised = promises(calls)
    assert {promise.rid for promise in promised} == ledger.acked
    files = [c for c in calls if c.name not in STREAMS or c.file.startswith(f"{home}/")]
    return Recording(home, files, promised, ends)


def _checkpointed_at(home: Path) -> int:
    """Return when SQLite last wrote the database itself, in nanoseconds."""
    return (home / "data" / "dogwatch.db").stat().st_mtime_ns


def _made(server: Traced, number: int) -> str:
    watch = server.post("/watches", {"name": f"Watch {number}", "schedule": "every 1h"})
    return str(watch["ping_url"]).rpartition("/")[2]
