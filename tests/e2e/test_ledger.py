"""kill -9 in a loop while 64 clients ping: what was acknowledged is there afterwards.

`DOGWATCH_PROVE_S` makes it last longer, `DOGWATCH_SEED` repeats a run.
"""

import asyncio
import os
import random
from functools import partial
from pathlib import Path

from tests.e2e.conftest import Serve
from tests.eventually import eventually_async
from tests.harness.ledger import Client, Ledger
from tests.harness.proof import length, tell
from tests.harness.served import Served

CLIENTS = 64
WATCHES = 8
FEWEST_DEATHS = 4
PROVE_S = length("DOGWATCH_PROVE_S", 6, 240)


async def kill_in_a_loop(
    served: Served, ledger: Ledger, random_: random.Random, until: float
) -> int:
    """Kill the server after a few more acknowledgements, again and again; return how often."""
    loop, deaths = asyncio.get_running_loop(), 0
    while loop.time() < until or deaths < FEWEST_DEATHS:
        goal = len(ledger.acked) + random_.randrange(1, 400)
        await eventually_async(
            partial(_reached, ledger, goal), within_s=120, what="pings go through"
        )
        await asyncio.to_thread(served.kill9)
        await asyncio.to_thread(served.start)
        deaths += 1
    return deaths


def _reached(ledger: Ledger, goal: int) -> bool:
    return len(ledger.acked) >= goal


async def ping_through(served: Served, keys: list[str], ledger: Ledger, seed: int) -> int:
    """Let the clients ping while the server dies again and again."""
    stop = asyncio.Event()
    clients = [
        Client(number, served.port, keys, ledger, keep_alive=number % 2 == 0)
        for number in range(CLIENTS)
    ]
    tasks = [asyncio.create_task(client.run(stop)) for client in clients]
    until = asyncio.get_running_loop().time() + PROVE_S
    deaths = await kill_in_a_loop(served, ledger, random.Random(seed), until)
    stop.set()
    await asyncio.gather(*tasks)
    return deaths


def test_no_acknowledged_ping_is_lost(store: dict[str, str], serve: Serve, tmp_path: Path) -> None:
    seed = int(os.environ.get("DOGWATCH_SEED", "0")) or random.randrange(1, 2**32)
    served = serve(**store)
    watches = [
        served.post("/watches", {"name": f"Watch {number}", "schedule": "every 1h"})
        for number in range(WATCHES)
    ]
    keys = [watch["ping_url"].rpartition("/")[2] for watch in watches]
    ledger = Ledger.at(tmp_path / "ledger.txt")
    with ledger.file:
        deaths = asyncio.run(ping_through(served, keys, ledger, seed))
    stored = [ping for watch in watches for ping in served.every(f"/watches/{watch['id']}/pings")]
    kept = {ping["rid"]: ping["body"] for ping in stored}
    lost = ledger.acked - kept.keys()
    figure = f"{'postgresql' if store else 'sqlite'}: {deaths} deaths, {len(ledger.sent)} sent, "
    figure += f"{len(ledger.acked)} acknowledged, {len(stored)} stored, {len(lost)} lost"
    told = tell("kill -9 loses no acknowledged ping", figure, holds=not lost, seed=str(seed))
    assert len(ledger.acked) >= deaths >= FEWEST_DEATHS, told
    assert lost == set(), told
    assert all(ledger.sent[rid] == body for rid, body in kept.items()), told
    assert len(stored) == len(kept), told
