"""Some clients of the ledger, pinging until enough is acknowledged."""

import asyncio
from collections.abc import Sequence

from tests.eventually import eventually_async
from tests.harness.ledger import Client, Ledger

CLIENTS = 8


async def ping(port: int, keys: Sequence[str], ledger: Ledger, count: int) -> None:
    """Have the clients ping until this many more are acknowledged."""
    stop, goal = asyncio.Event(), len(ledger.acked) + count
    first = len(ledger.sent) + 1  # so that no two clients of one ledger have the same number
    clients = [
        Client(number, port, keys, ledger, keep_alive=number % 2 == 0)
        for number in range(first, first + CLIENTS)
    ]
    tasks = [asyncio.create_task(client.run(stop)) for client in clients]
    await eventually_async(lambda: len(ledger.acked) >= goal, within_s=60, what="pings go through")
    stop.set()
    await asyncio.gather(*tasks)
