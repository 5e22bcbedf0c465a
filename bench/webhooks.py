"""Watches that fall silent in one second: webhooks a second until the last one is delivered.

    python -m bench.webhooks [--count 10000] [--channels 10000] [--store SQLite|PostgreSQL]

The receiver is a process of its own on loopback. One chat is told of all, and one client pings all
the time. The baseline is a bare libcurl loop that signs
and posts as many bodies to the same receiver, before and after; neither side keeps a connection.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import pycurl

from bench.egress import bare_handle
from bench.pings import DURABLE
from bench.table import Row, markdown
from bench.turns import Sample, cpu_s
from dogwatch.notify.formats import sign
from dogwatch.notify.webhook import new_secret
from tests.eventually import eventually
from tests.harness.fall import Fall, Meanwhile, Told, receiver
from tests.harness.postgres import running_postgres
from tests.harness.served import Served

COUNT, PARALLEL = 10_000, 64
BODY_BYTES = 600
STORES = ("SQLite", "PostgreSQL")


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
class Storm:
    """Webhooks a second from the fall to the last one, their CPU, and what came meanwhile."""

    sample: Sample
    messages: int
    ping_p99_ms: float


def dogwatch(told: Told, count: int, many: int, database: str = "") -> Storm:
    """Have so many watches fall, told to so many webhooks in turn and all of them to one chat."""
    flags = {"allow-private-targets": "127.0.0.0/8"} | ({"database": database} if database else {})
    before, messages, counted = (one.value for one in (told.webhooks, told.messages, told.counted))
    with tempfile.TemporaryDirectory(prefix="dogwatch-bench-") as folder:
        data = Path(folder) / "data"
        given = {"data": str(data), "database_url": database or None}
        at = Fall(count, many, told.url).seed(given, ahead_s=5 + count / 1000)
        served = Served(data, flags).start()
        try:
            with Meanwhile(served.port) as pings:
                used, at = cpu_s(served.pid), max(at, datetime.now(UTC))
                eventually(lambda: told.webhooks.value >= before + count, within_s=600)
                took_s = (datetime.now(UTC) - at).total_seconds()
            cpu_us = (cpu_s(served.pid) - used) / count * 1e6
            eventually(lambda: told.counted.value >= counted + count, within_s=60)
            served.stop()
        finally:
            if served.process is not None:
                served.kill9()
    return Storm(Sample(count / took_s, cpu_us), told.messages.value - messages, pings.p99_ms)


def rows(count: int = COUNT, stores: Sequence[str] = STORES, many: int = COUNT) -> Iterator[Row]:
    """Measure each store between two baselines."""
    body = b"x" * BODY_BYTES
    with running_postgres(DURABLE) as postgres, receiver() as told:
        for store in stores:
            database = postgres.create(f"bench_{store.lower()}") if store == "PostgreSQL" else ""
            before = bare(f"{told.url}/bare", count, body)
            storm = dogwatch(told, count, many, database)
            plain = median((before, bare(f"{told.url}/bare", count, body)))
            took_s = count / storm.sample.rate
            words = (
                f"{count:,} watches down at once, {store}: {many:,} webhooks in {took_s:.1f} s, "
                f"one chat in {storm.messages} messages, pings p99 {storm.ping_p99_ms:.0f} ms"
            )
            cpu_us = storm.sample.cpu_us
            yield Row(words, storm.sample.rate, "bare libcurl", plain, cpu_us=cpu_us)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--channels", type=int, default=COUNT)
    parser.add_argument("--store", choices=STORES, action="append")
    given = parser.parse_args()
    for line in markdown(rows(given.count, given.store or STORES, given.channels)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
