"""Probes a second on new connections, judged, against bare libcurl and aiohttp; and what ten
thousand probes a minute cost a whole server.
    python -m bench.probes [--seconds 1] [--concurrency 64] [--store SQLite|PostgreSQL]

The server asked is a child process on loopback, HTTP and HTTPS. aiohttp is measured where it is
installed. The whole server runs its probes at the rate of 10,000 a minute; its figure is how many
probes a minute would take a whole core, beside the 10,000 that may take a quarter of one.
"""

import argparse
import asyncio
import gc
import importlib
import importlib.util
import multiprocessing
import socket
import ssl
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pycurl
import uvloop

from bench.egress import _Answering, bare_handle
from bench.pings import DURABLE
from bench.table import Row, markdown
from bench.turns import cpu_s
from dogwatch import config
from dogwatch.boot.process import GARBAGE_MIN
from dogwatch.boot.store import opened
from dogwatch.core.probe.target import Target, from_json
from dogwatch.core.result import Outcome
from dogwatch.core.spec import WatchSpec
from dogwatch.egress import Egress
from dogwatch.runners.probe import run_probe
from dogwatch.store.database import Tx
from dogwatch.usecases import probes, workspaces
from dogwatch.usecases.probes import ProbeSpec
from dogwatch.vault import Vault
from tests.eventually import eventually
from tests.harness.postgres import running_postgres
from tests.harness.served import Served
from tests.harness.tls import server_context

PER_MINUTE, EVERY_S, SHARE = 10_000, 12, 0.25
STORES = ("SQLite", "PostgreSQL")


async def _serve(listener: socket.socket, context: ssl.SSLContext | None) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Answering, sock=listener, backlog=4096, ssl=context)
    await server.serve_forever()


def _run(listener: socket.socket, folder: str | None) -> None:
    uvloop.run(_serve(listener, server_context(Path(folder)) if folder else None))


@contextmanager
def endpoint(*, tls: bool) -> Iterator[str]:
    """Yield the URL of an endpoint in another process."""
    with (
        tempfile.TemporaryDirectory(prefix="dogwatch-bench-") as folder,
        socket.create_server(("127.0.0.1", 0), backlog=4096) as listener,
    ):
        given = (listener, folder if tls else None)
        child = multiprocessing.Process(target=_run, args=given, daemon=True)
        child.start()
        yield f"http{'s' * tls}://127.0.0.1:{listener.getsockname()[1]}/"
        child.terminate()
        child.join()


async def _repeated(ask: Callable[[], Awaitable[bool]], seconds: float, concurrency: int) -> float:
    began, counts = time.perf_counter(), [0] * concurrency

    async def until_the_end(index: int) -> None:
        while time.perf_counter() - began < seconds:
            counts[index] += await ask()

    await asyncio.gather(*map(until_the_end, range(concurrency)))
    return sum(counts) / (time.perf_counter() - began)


async def ours(url: str, seconds: float, concurrency: int) -> float:
    """Return judged probes per second."""
    demands = [{"kind": "body_contains", "text": "ok"}]
    target = from_json({"kind": "http", "url": url, "verify_tls": False, "assertions": demands})
    egress = Egress([ip_network("127.0.0.0/8")])

    async def ask(target: Target = target) -> bool:
        return (await run_probe(egress, target)).outcome is Outcome.OK

    rate = await _repeated(ask, seconds, concurrency)
    await egress.close()
    return rate


async def by_aiohttp(url: str, seconds: float, concurrency: int) -> float:
    """Return requests per second of a bare aiohttp client."""
    aiohttp = importlib.import_module("aiohttp")  # an optional guest

    connector = aiohttp.TCPConnector(force_close=True, limit=0, ssl=False)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def ask() -> bool:
            async with session.get(url) as answer:
                return b"ok" in await answer.read()

        return await _repeated(ask, seconds, concurrency)


def bare(url: str, seconds: float, concurrency: int) -> float:
    """Return transfers per second of a plain curl_multi loop, with a full handshake each."""
    multi, handles = pycurl.CurlMulti(), [bare_handle(url) for _ in range(concurrency)]
    for handle in handles:
        for option in (pycurl.SSL_VERIFYPEER, pycurl.SSL_VERIFYHOST, pycurl.SSL_SESSIONID_CACHE):
            handle.setopt(option, 0)
        multi.add_handle(handle)
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        multi.perform()
        _, good, bad = multi.info_read()
        assert not bad
        count += len(good)
        for handle in good:
            multi.remove_handle(handle)
            multi.add_handle(handle)
        if not good:
            multi.select(0.01)
    for handle in handles:
        multi.remove_handle(handle)
        handle.close()
    multi.close()
    return count / (time.perf_counter() - began)


def through_egress(seconds: float, concurrency: int, *, tls: bool) -> Iterator[Row]:
    """Measure all sides twice, in turns; the best of each counts."""
    sides: dict[str, Callable[[str], float]] = {
        "bare libcurl": lambda url: bare(url, seconds, concurrency),
        "ours": lambda url: float(uvloop.run(ours(url, seconds, concurrency))),
    }
    if importlib.util.find_spec("aiohttp"):
        sides["aiohttp"] = lambda url: float(uvloop.run(by_aiohttp(url, seconds, concurrency)))
    best = dict.fromkeys(sides, 0.0)
    gc.freeze()  # both as the server does once it is up
    gc.set_threshold(GARBAGE_MIN)
    with endpoint(tls=tls) as url:
        for _ in range(2):
            for name, side in sides.items():
                best[name] = max(best[name], side(url))
    for name in sides.keys() - {"ours"}:
        yield Row(f"probes, HTTP{'S' * tls}", best["ours"], name, best[name])


# --- a whole server ---------------------------------------------------------------------------


def seed(flags: Mapping[str, Any], url: str, count: int) -> None:
    """Make probes that are asked every `EVERY_S`."""

    def made(tx: Tx, numbers: range, vault: Vault) -> None:
        at = datetime.now(UTC)
        owner = workspaces.first(tx, at)
        for number in numbers:
            watch = WatchSpec(name=f"p{number}", slug=f"p{number}", schedule=str(EVERY_S))
            target = {"kind": "http", "url": f"{url}?{number}"}
            probes.add(tx, owner.id, ProbeSpec(watch, target), vault, at)

    with opened(config.load(flags, {})) as store:
        for first in range(0, count, 250):
            numbers = range(first, min(first + 250, count))
            store.database.write(partial(made, numbers=numbers, vault=store.vault)).result()


def whole_server(store: str, seconds: float = EVERY_S) -> Iterator[Row]:
    """Measure the CPU of a server that asks 10,000 probes a minute."""
    count = PER_MINUTE * EVERY_S // 60
    with (
        tempfile.TemporaryDirectory(prefix="dogwatch-bench-") as folder,
        running_postgres(DURABLE) as postgres,
        endpoint(tls=False) as url,
    ):
        database = postgres.create("bench_probes") if store == "PostgreSQL" else None
        data = Path(folder) / "data"
        seed({"data": str(data), "database_url": database}, url, count)
        flags = {"allow-private-targets": "127.0.0.0/8"}
        flags |= {"database": database} if database else {}
        served = Served(data, flags).start()
        try:
            eventually(lambda: cpu_s(served.pid) > 0, what="the server works")
            time.sleep(EVERY_S)  # each probe has had its first turn
            used, began = cpu_s(served.pid), time.perf_counter()
            time.sleep(seconds)
            share = (cpu_s(served.pid) - used) / (time.perf_counter() - began)
            served.close()
        finally:
            if served.process is not None:
                served.kill9()
    told = f"10,000 probes a minute, {store}: {share:.0%} of a core"
    yield Row(told, PER_MINUTE / share, "at a quarter", PER_MINUTE / SHARE, "/min")


def rows(
    seconds: float = 1.0, concurrency: int = 64, stores: Sequence[str] = STORES
) -> Iterator[Row]:
    """Measure everything."""
    for tls in (False, True):
        yield from through_egress(seconds, concurrency, tls=tls)
    for store in stores:
        yield from whole_server(store)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--store", choices=STORES, action="append")
    given = parser.parse_args()
    for line in markdown(rows(given.seconds, given.concurrency, given.store or STORES)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
