"""PostgreSQL goes away: pings are answered from the spool, counted once, and nobody is blamed.

`DOGWATCH_PROVE_AWAY_S` is how long it stays away.
"""

import asyncio
import base64
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Serve
from tests.eventually import eventually, eventually_async
from tests.harness.ledger import Client, Ledger
from tests.harness.postgres import PostgresServer, running_postgres
from tests.harness.proof import length, tell
from tests.harness.served import Served
from tests.harness.smalldisk import SmallServed, small_disk

AWAY_S = length("DOGWATCH_PROVE_AWAY_S", 4, 600)
CLIENTS = 16
WATCHES = 8
PAUSE_S = 0.05
BACK_S = 120.0
SECRET = base64.b64encode(b"k" * 32).decode()


@dataclass(slots=True)
class Steady(Client):
    """A client that takes its time, so that a long outage leaves a number one can count."""

    async def _ping(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Client._ping(self, reader, writer)
        await passed(PAUSE_S)


async def passed(seconds: float) -> None:
    """Let an outage last."""
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), seconds)


@dataclass(slots=True)
class Crowd:
    """Clients of several nodes that ping through everything."""

    ledger: Ledger
    keys: Sequence[str]
    nodes: Sequence[Served]

    def start(self, stop: asyncio.Event) -> list[asyncio.Task[None]]:
        return [
            asyncio.create_task(
                Steady(
                    number, self.nodes[number % len(self.nodes)].port, self.keys, self.ledger,
                    keep_alive=number % 4 < 2,
                ).run(stop)
            )
            for number in range(CLIENTS)
        ]  # fmt: skip

    async def heard(self, more: int) -> None:
        """Wait for more acknowledgements."""
        goal = len(self.ledger.acked) + more
        await eventually_async(
            lambda: len(self.ledger.acked) >= goal, within_s=BACK_S, what="pings are answered"
        )


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server of the test's own."""
    with running_postgres() as running:
        yield running


def made(served: Served, name: str, **spec: Any) -> tuple[str, str]:
    """Make a watch that misses a ping within three seconds; return its id and ping key."""
    given = {"name": name, "schedule": "every 2s", "start_by_s": 1} | spec
    watch = served.post("/watches", given)
    return watch["id"], watch["ping_url"].rpartition("/")[2]


def stored(served: Served, watch_ids: Sequence[str]) -> list[dict[str, Any]]:
    return [ping for one in watch_ids for ping in served.every(f"/watches/{one}/pings")]


def all_counted_once(
    served: Served, ledger: Ledger, watch_ids: Sequence[str]
) -> list[dict[str, Any]]:
    """Wait until all that was acknowledged is there, none of it twice, and return it."""

    def complete() -> bool:
        return ledger.acked <= {ping["rid"] for ping in stored(served, watch_ids)}

    eventually(complete, within_s=BACK_S, what="the spool is folded")
    pings = stored(served, watch_ids)
    assert len(pings) == len({ping["rid"] for ping in pings})
    return pings


def turns(served: Served, watch_id: str) -> list[str]:
    """Return what a watch became, oldest first."""
    return [flip["to_status"] for flip in reversed(served.every(f"/flips?watch={watch_id}"))]


def test_no_ping_is_lost_and_no_watch_is_falsely_down(
    server: PostgresServer, serve: Serve, tmp_path: Path
) -> None:
    url = server.create("d")
    nodes = [serve(database=url, secret_key=SECRET) for _ in range(2)]
    watches = [made(nodes[0], f"Watch {number}") for number in range(WATCHES)]
    ids = [watch_id for watch_id, _ in watches]
    mute_id, mute_key = made(nodes[0], "Mute")
    ledger = Ledger.at(tmp_path / "ledger.txt")
    crowd = Crowd(ledger, [key for _, key in watches], nodes)

    async def outage() -> tuple[datetime, datetime]:
        stop = asyncio.Event()
        tasks = crowd.start(stop)
        await crowd.heard(100)
        await asyncio.to_thread(server.stop, "immediate")
        began_at = datetime.now(UTC)
        await asyncio.to_thread(nodes[0].call, "GET", f"/ping/{mute_key}")
        await passed(AWAY_S)
        ended_at = datetime.now(UTC)
        await asyncio.to_thread(server.start)
        await crowd.heard(400)
        await asyncio.to_thread(eventually, partial(told_down, nodes[1], mute_id), within_s=120)
        assert [turns(nodes[1], one) for one in ids] == [["up"]] * WATCHES
        stop.set()
        await asyncio.gather(*tasks)
        return began_at, ended_at

    with ledger.file:
        began_at, ended_at = asyncio.run(outage())
    pings = all_counted_once(nodes[0], ledger, ids)
    times = [datetime.fromisoformat(ping["at"]) for ping in pings]
    meanwhile = [at for at in times if began_at < at < ended_at]
    figure = (
        f"{AWAY_S:.0f} s away: {len(meanwhile)} pings taken meanwhile, {ledger.refused} refused, "
    )
    figure += f"{len(ledger.acked)} acknowledged, {len(pings)} stored, 0 false alarms"
    told = tell("PostgreSQL away loses no ping", figure, holds=ledger.refused == 0)
    assert len(meanwhile) > 100, told
    assert ledger.refused == 0, told


def told_down(served: Served, watch_id: str) -> bool:
    return turns(served, watch_id) == ["up", "down"]


def test_a_node_killed_while_spooling_folds_exactly_once(
    server: PostgresServer, serve: Serve, tmp_path: Path
) -> None:
    node = serve(database=server.create("d"))
    watch_id, key = made(node, "Watch", schedule="every 1h")
    ledger = Ledger.at(tmp_path / "ledger.txt")
    crowd = Crowd(ledger, [key], [node])

    async def outage() -> None:
        stop = asyncio.Event()
        tasks = crowd.start(stop)
        await crowd.heard(50)
        await asyncio.to_thread(server.stop, "immediate")
        await crowd.heard(200)
        await asyncio.to_thread(node.kill9)
        await asyncio.to_thread(server.start)
        await asyncio.to_thread(node.start)
        await crowd.heard(50)
        await asyncio.to_thread(node.kill9)  # perhaps between a commit and what follows it
        await asyncio.to_thread(node.start)
        stop.set()
        await asyncio.gather(*tasks)

    with ledger.file:
        asyncio.run(outage())
    assert len(all_counted_once(node, ledger, [watch_id])) >= 300
    eventually(lambda: list(node.data.glob("spool/*")) == [], what="nothing is left")


def test_a_full_spool_refuses_and_loses_nothing(server: PostgresServer, serve: Serve) -> None:
    node = serve(database=server.create("d"), spool_limit_mb="1")
    watch_id, key = made(node, "Watch", schedule="every 1h")
    server.stop("immediate")
    statuses = [node.call("POST", f"/ping/{key}", "x" * 9_000).status for _ in range(150)]
    server.start()
    kept = statuses.count(200)
    assert statuses == [200] * kept + [503] * (150 - kept)
    assert 90 < kept < 120
    eventually(lambda: len(stored(node, [watch_id])) == kept, within_s=BACK_S, what="folding")
    eventually(lambda: node.call("GET", f"/ping/{key}").status == 200, what="it takes pings")
    tell_full("a spool of 1 MB", statuses, kept)


def tell_full(what: str, statuses: Sequence[int], stored: int) -> None:
    """Say what became of pings whose spool was full, and of those that it had taken."""
    refused, kept = statuses.count(503), len(statuses) - statuses.count(503)
    figure = f"{what}: {kept} acknowledged, {refused} refused, {stored} stored in the end"
    tell("a full spool answers 503 and loses nothing", figure, holds=stored >= kept)


def readiness(node: Served) -> tuple[int, Any]:
    try:
        answer = node.call("GET", "/readyz", key="none")
    except ConnectionError:  # it came between the anteroom and what follows
        return 0, "nobody"
    return answer.status, answer.json["status"]


def test_a_node_that_spools_is_ready_for_pings_alone(server: PostgresServer, serve: Serve) -> None:
    node = serve(database=server.create("d"), spool_limit_mb="1")
    _, key = made(node, "Watch", schedule="every 1h")
    eventually(lambda: readiness(node) == (200, "ready"), within_s=BACK_S, what="it is ready")
    server.stop("immediate")
    eventually(lambda: readiness(node) == (200, "degraded"), within_s=BACK_S, what="it says so")
    said = node.call("GET", "/readyz", key="none").json["checks"]
    assert said["pings"] == "ok"
    assert said["database"] != "ok"
    assert node.call("GET", "/api/v1/watches").status == 503
    assert node.call("GET", f"/ping/{key}").status == 200

    def full() -> bool:
        return node.call("POST", f"/ping/{key}", "x" * 9_000).status == 503

    eventually(full, within_s=BACK_S, what="the spool is full")
    eventually(lambda: readiness(node) == (503, "not ready"), within_s=BACK_S, what="it says so")
    server.start()
    eventually(lambda: readiness(node) == (200, "ready"), within_s=BACK_S, what="it is ready again")


def test_a_node_that_starts_meanwhile_takes_pings(server: PostgresServer, serve: Serve) -> None:
    """It spools before it has seen its database, does the rest later, and ends when told to."""
    node = serve(database=server.create("d"))
    watch_id, key = made(node, "Watch", schedule="every 1h")
    assert node.stop() == 0
    server.stop("immediate")
    kept = []
    for _ in range(2):
        node.launch()
        launched_at = datetime.now(UTC)
        eventually(lambda: is_heard(node, key), within_s=BACK_S, what="it takes pings")
        kept.append((launched_at, datetime.now(UTC)))
        assert readiness(node) == (200, "degraded")
        assert node.call("GET", "/healthz").status == 200
        assert node.call("GET", "/api/v1/watches").status == 503
        if len(kept) == 1:
            assert node.stop() == 0
    server.start()
    eventually(lambda: readiness(node) == (200, "ready"), within_s=BACK_S, what="it is ready")
    eventually(lambda: len(stored(node, [watch_id])) == 2, within_s=BACK_S, what="folding")
    times = sorted(datetime.fromisoformat(ping["at"]) for ping in stored(node, [watch_id]))
    assert all(since < at < until for at, (since, until) in zip(times, kept, strict=True))
    assert turns(node, watch_id) == ["up"]


def is_heard(node: Served, key: str) -> bool:
    """Ping once; False while nobody listens."""
    with suppress(ConnectionError):
        assert node.call("GET", f"/ping/{key}").status == 200
        return True
    return False


def test_a_full_disk_under_the_spool_refuses_and_loses_nothing(
    server: PostgresServer, tmp_path: Path
) -> None:
    mount = tmp_path / "small"
    with small_disk(mount) as disk:
        node = SmallServed(mount / "data", disk, {"database": server.create("d")})
        node.start()
        try:
            watch_id, key = made(node, "Watch", schedule="every 1h")
            server.stop("immediate")
            statuses = fill(node, key)
            eventually(
                lambda: readiness(node) == (503, "not ready"), within_s=BACK_S, what="it says so"
            )
            disk.free(node)
            eventually(lambda: ping_large(node, key, 0) == 200, within_s=BACK_S, what="room again")
            server.start()
            kept = statuses.count(200) + 1
            eventually(
                lambda: len(stored(node, [watch_id])) == kept, within_s=BACK_S, what="folding"
            )
            tell_full(disk.kind, statuses, kept)
            node.close()
        finally:
            if node.process is not None:
                node.kill9()


def fill(node: Served, key: str) -> list[int]:
    """Ping until nothing more fits; return all answers."""
    statuses: list[int] = []
    with ThreadPoolExecutor(8) as pool:

        def full() -> bool:
            answers = list(pool.map(partial(ping_large, node, key), range(32)))
            statuses.extend(answers)
            return set(answers) == {503}

        eventually(full, within_s=120, what="the disk is full")
    assert set(statuses) == {200, 503}
    return statuses


def ping_large(node: Served, key: str, _number: int) -> int:
    return node.call("POST", f"/ping/{key}", "x" * 9_000, key="none").status
