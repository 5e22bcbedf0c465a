"""Watches that fall silent in one second: webhooks a second until the last one is delivered.

    python -m bench.webhooks [--count 10000] [--channels 1] [--store SQLite|PostgreSQL]

The receiver is a process of its own on loopback. The baseline is a bare libcurl loop that signs
and posts as many bodies to the same receiver, before and after; neither side keeps a connection.
"""

import argparse
import asyncio
import multiprocessing
import socket
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, ClassVar, cast

import pycurl
import uvloop

from bench.egress import bare_handle
from bench.pings import DURABLE
from bench.table import Row, markdown
from bench.turns import Sample, cpu_s
from dogwatch import config
from dogwatch.boot.store import opened
from dogwatch.core.alerts import Rule, Scope
from dogwatch.core.ping import Heard
from dogwatch.core.spec import WatchSpec
from dogwatch.notify.formats import sign
from dogwatch.notify.webhook import new_secret
from dogwatch.store.database import Tx
from dogwatch.usecases import channels, pings, rules, watches, workspaces
from dogwatch.vault import Vault
from tests.eventually import eventually
from tests.harness.postgres import running_postgres
from tests.harness.served import Served

COUNT, PER_WRITE, PARALLEL, HOUR = 10_000, 250, 64, timedelta(hours=1)
BODY_BYTES = 600
STORES = ("SQLite", "PostgreSQL")
ANSWER = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


class _Answering(asyncio.Protocol):
    ids: ClassVar[set[bytes]] = set()

    def __init__(self, came: Any) -> None:
        self.came = came
        self.heard = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it

    def data_received(self, data: bytes) -> None:
        self.heard += data
        head, end, body = self.heard.partition(b"\r\n\r\n")
        if end and len(body) >= int(_header(head, b"content-length")):
            self.ids.add(_header(head, b"webhook-id"))
            self.came.value = len(self.ids)
            self.transport.write(ANSWER)
            self.transport.close()


def _header(head: bytes, name: bytes) -> bytes:
    return head.lower().partition(name + b": ")[2].partition(b"\r\n")[0]


async def _serve(listener: socket.socket, came: Any) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Answering(came), sock=listener, backlog=4096)
    await server.serve_forever()


def _run_receiver(listener: socket.socket, came: Any) -> None:
    uvloop.run(_serve(listener, came))


@dataclass(frozen=True, slots=True)
class Receiver:
    """An endpoint, and how many different messages came."""

    url: str
    came: Any


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Yield an endpoint in another process that takes everything."""
    came = multiprocessing.Value("q", 0)
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
        child = multiprocessing.Process(target=_run_receiver, args=(listener, came), daemon=True)
        child.start()
        yield Receiver(f"http://127.0.0.1:{listener.getsockname()[1]}/hook", came)
        child.terminate()
        child.join()


def bare(url: str, count: int, body: bytes) -> float:
    """Return signed bodies per second of a plain curl_multi loop."""
    secret, multi, idle = (
        new_secret(),
        pycurl.CurlMulti(),
        [bare_handle(url) for _ in range(PARALLEL)],
    )
    started, begun, done = time.perf_counter(), 0, 0
    while done < count:
        while idle and begun < count:
            begun += 1
            multi.add_handle(_post(idle.pop(), f"{secret[6:14]}-{begun}", body, secret))
        multi.perform()
        _, good, bad = multi.info_read()
        assert not bad
        for handle in good:
            multi.remove_handle(handle)
        idle += good
        done += len(good)
        if not good:
            multi.select(0.01)
    return count / (time.perf_counter() - started)


def _post(handle: pycurl.Curl, own_id: str, body: bytes, secret: str) -> pycurl.Curl:
    timestamp = int(datetime.now(UTC).timestamp())
    signed = {
        "content-type": "application/json",
        "webhook-id": own_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secret, own_id, timestamp, body),
    }
    handle.setopt(pycurl.HTTPHEADER, [f"{name}: {value}" for name, value in signed.items()])
    handle.setopt(pycurl.POSTFIELDS, body)
    return handle


@dataclass(frozen=True, slots=True)
class Fall:
    """So many watches whose silence is judged at one time, told to so many channels in turn."""

    count: int
    channels: int
    url: str

    def seed(self, flags: Mapping[str, str | None]) -> datetime:
        """Make the watches in a new store, heard an hour before their fall; return its time."""
        with opened(config.load(flags, {})) as store:
            for numbers in _parts(self.channels):
                store.database.write(partial(self._channels, numbers, store.vault)).result()
            made: list[str] = []
            for numbers in _parts(self.count):
                made += store.database.write(partial(self._watches, numbers)).result()
            at = datetime.now(UTC) + timedelta(seconds=10 + self.count / 1000)
            for numbers in _parts(self.count):
                heard = [Heard(key=made[number], at=at - HOUR) for number in numbers]
                store.database.write(partial(_hear, heard)).result()
        return at

    def _channels(self, numbers: range, vault: Vault, tx: Tx) -> None:
        for number in numbers:
            self._channel(number, vault, tx)

    def _channel(self, number: int, vault: Vault, tx: Tx) -> None:
        at = datetime.now(UTC) - HOUR
        workspace_id = workspaces.first(tx, at).id
        made = channels.add_channel(
            tx, workspace_id, f"hook {number}", "webhook", {"url": self.url},
            {"secrets": [new_secret()]}, vault, at,
        )  # fmt: skip
        scope = Scope("tags", frozenset({f"t{number}"}))
        rules.add_rule(tx, workspace_id, Rule("", made.id, scope=scope), at)

    def _watches(self, numbers: range, tx: Tx) -> list[str]:
        at = datetime.now(UTC) - 2 * HOUR
        workspace_id = workspaces.first(tx, at).id
        specs = map(self._spec, numbers)
        return [watches.add(tx, workspace_id, spec, at).ping_key for spec in specs]

    def _spec(self, number: int) -> WatchSpec:
        return WatchSpec(
            name=f"Watch {number}",
            slug=f"watch-{number}",
            schedule="3600",
            start_by_s=0,
            tags=(f"t{number % self.channels}",),
        )


def _parts(count: int) -> Iterator[range]:
    for first in range(0, count, PER_WRITE):
        yield range(first, min(first + PER_WRITE, count))


def _hear(heard: list[Heard], tx: Tx) -> None:
    pings.record(tx, heard, heard[0].at)


def dogwatch(to: Receiver, count: int, many: int, database: str = "") -> Sample:
    """Return the webhooks per second from the fall to the last one, and their CPU."""
    flags = {"allow-private-targets": "127.0.0.0/8"} | ({"database": database} if database else {})
    with tempfile.TemporaryDirectory(prefix="dogwatch-bench-") as folder:
        data = Path(folder) / "data"
        at = Fall(count, many, to.url).seed({"data": str(data), "database_url": database or None})
        served, before = Served(data, flags).start(), to.came.value
        try:
            used, at = cpu_s(served.pid), max(at, datetime.now(UTC))
            eventually(lambda: to.came.value >= before + count, within_s=600, what="all are told")
            took_s = (datetime.now(UTC) - at).total_seconds()
            cpu_us = (cpu_s(served.pid) - used) / count * 1e6
            served.close()
        finally:
            if served.process is not None:
                served.kill9()
    return Sample(count / took_s, cpu_us)


def rows(count: int = COUNT, stores: Sequence[str] = STORES, many: int = 1) -> Iterator[Row]:
    """Measure each store between two baselines."""
    body = b"x" * BODY_BYTES
    with running_postgres(DURABLE) as postgres, receiver() as to:
        for store in stores:
            database = postgres.create(f"bench_{store.lower()}") if store == "PostgreSQL" else ""
            before = bare(to.url, count, body)
            ours = dogwatch(to, count, many, database)
            plain = median((before, bare(to.url, count, body)))
            told = f"{count:,} watches down at once, {store}: all told in {count / ours.rate:.1f} s"
            yield Row(told, ours.rate, "bare libcurl", plain, cpu_us=ours.cpu_us)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--channels", type=int, default=1)
    parser.add_argument("--store", choices=STORES, action="append")
    given = parser.parse_args()
    for line in markdown(rows(given.count, given.store or STORES, given.channels)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
