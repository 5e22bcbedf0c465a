"""Every connection to PostgreSQL is cut once a second, and then the server crashes and is back.

`DOGWATCH_PROVE_CUT_S` is for how long connections are cut.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.conftest import Serve
from tests.eventually import eventually, eventually_async
from tests.harness.ledger import Client, Ledger
from tests.harness.postgres import PostgresServer, running_postgres
from tests.harness.proof import length, tell
from tests.harness.pulse import key_of, turns
from tests.harness.served import Served

CUTS = int(length("DOGWATCH_PROVE_CUT_S", 3, 20))
CLIENTS, WATCHES = 8, 4
LONG_S = 120.0
# Far longer than anything here takes, far shorter than a false alarm would need to show itself.
HEARTBEAT = {"schedule": "every 10s", "start_by_s": 20}
CUT = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"""


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server of the test's own."""
    with running_postgres() as running:
        yield running


class Work:
    """A script that runs every second."""

    def __init__(self, served: Served) -> None:
        self.served = served
        action = {"kind": "script", "language": "bash", "source": "true"}
        job = {"name": "work", "schedule": "every 1s", "overlap": "allow", "action": action}
        served.post("/jobs", job)

    def done(self) -> int:
        """Return how many runs have an outcome."""
        return sum(run["state"] == "done" for run in self.served.every("/runs?watch=work"))

    def resumed_s(self) -> float:
        """Return how long it takes until a further run has ended."""
        began, before = time.monotonic(), self.done()
        eventually(lambda: self.done() > before, within_s=LONG_S, what="work resumes")
        return time.monotonic() - began


def _reached(ledger: Ledger, goal: int) -> bool:
    return len(ledger.acked) >= goal


async def trouble(server: PostgresServer, ledger: Ledger) -> None:
    """Cut all connections again and again, then crash the server and start it at once."""
    for _ in range(CUTS):
        goal = len(ledger.acked) + 1
        with server.connect() as conn:
            conn.execute(CUT)
        await eventually_async(
            partial(_reached, ledger, goal), within_s=LONG_S, what="pings are taken"
        )
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 1)
    await asyncio.to_thread(server.stop, "immediate")
    await asyncio.to_thread(server.start)


def test_nothing_is_lost_when_connections_are_cut(
    server: PostgresServer, serve: Serve, tmp_path: Path
) -> None:
    served = serve(database=server.create("d"))
    made = [served.post("/watches", {"name": f"w{n}", **HEARTBEAT}) for n in range(WATCHES)]
    work = Work(served)
    work.resumed_s()
    ledger = Ledger.at(tmp_path / "ledger.txt")

    async def story() -> float:
        stop = asyncio.Event()
        keys = [key_of(watch) for watch in made]
        clients = [
            Client(n, served.port, keys, ledger, keep_alive=n % 2 == 0, every_s=0.05)
            for n in range(CLIENTS)
        ]
        tasks = [asyncio.create_task(client.run(stop)) for client in clients]
        await trouble(server, ledger)
        resumed_s = await asyncio.to_thread(work.resumed_s)
        stop.set()
        await asyncio.gather(*tasks)
        return resumed_s

    with ledger.file:
        resumed_s = asyncio.run(story())

    def stored() -> set[str]:
        found = [p["rid"] for one in made for p in served.every(f"/watches/{one['id']}/pings")]
        assert len(found) == len(set(found))
        return set(found)

    eventually(lambda: ledger.acked <= stored(), within_s=LONG_S, what="all is folded in")
    false = [one["slug"] for one in made if turns(served, one["slug"]) != ["up"]]
    figure = f"{CUTS} cuts and a crash: {len(ledger.acked)} pings kept, {len(false)} false alarms, "
    told = tell(
        "cut connections lose nothing", figure + f"work resumes after {resumed_s:.1f} s",
        holds=not false and resumed_s < 2,
    )  # fmt: skip
    assert served.process is not None
    assert served.process.poll() is None
    assert false == [], told
