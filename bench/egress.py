"""New connections per second: `Egress.fetch` against bare libcurl, same server, same run.

    python -m bench.egress [--seconds 1] [--concurrency 64] [--loop uvloop|asyncio]

The server is a child process on loopback that answers and closes. Both sides take turns.
"""

import argparse
import asyncio
import multiprocessing
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from typing import cast

import pycurl
import uvloop

from bench.table import Row, markdown
from bench.turns import Sample, in_turns
from dogwatch.egress import Egress, Request

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


class _Answering(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it

    def data_received(self, data: bytes) -> None:
        self.transport.write(ANSWER)
        self.transport.close()


async def _serve(listener: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Answering, sock=listener, backlog=4096)
    await server.serve_forever()


def _run_server(listener: socket.socket) -> None:
    uvloop.run(_serve(listener))


@contextmanager
def server() -> Iterator[str]:
    """Yield the URL of a server in another process."""
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
        child = multiprocessing.Process(target=_run_server, args=(listener,), daemon=True)
        child.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        child.terminate()
        child.join()


async def through_egress(url: str, seconds: float, concurrency: int) -> float:
    """Return fetches per second with `concurrency` tasks."""
    egress = Egress([ip_network("127.0.0.0/8")])
    request = Request("GET", url)
    started = time.perf_counter()
    counts = [0] * concurrency

    async def fetch_until_the_end(index: int) -> None:
        while time.perf_counter() - started < seconds:
            response = await egress.fetch(request)
            counts[index] += response.status_code == 200

    await asyncio.gather(*map(fetch_until_the_end, range(concurrency)))
    elapsed = time.perf_counter() - started
    await egress.close()
    return sum(counts) / elapsed


def bare(url: str, seconds: float, concurrency: int) -> float:
    """Return transfers per second of a plain curl_multi loop on the same number of handles."""
    multi = pycurl.CurlMulti()
    handles = [bare_handle(url) for _ in range(concurrency)]
    for handle in handles:
        multi.add_handle(handle)
    started, count = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        multi.perform()
        _, good, bad = multi.info_read()
        assert not bad
        for handle in good:
            count += 1
            multi.remove_handle(handle)
            multi.add_handle(handle)
        if not good:
            multi.select(0.01)
    elapsed = time.perf_counter() - started
    for handle in handles:
        multi.remove_handle(handle)
        handle.close()
    multi.close()
    return count / elapsed


def bare_handle(url: str) -> pycurl.Curl:
    """Return a transfer that connects anew and drops what it is told."""
    handle = pycurl.Curl()
    handle.setopt(pycurl.URL, url)
    handle.setopt(pycurl.FRESH_CONNECT, 1)
    handle.setopt(pycurl.FORBID_REUSE, 1)
    handle.setopt(pycurl.WRITEFUNCTION, lambda _chunk: None)
    return handle


def rows(seconds: float = 1.0, concurrency: int = 64, loop: str = "uvloop") -> Iterator[Row]:
    """Measure both sides in turns."""
    run = uvloop.run if loop == "uvloop" else asyncio.run
    with server() as url:
        found = in_turns(
            {
                "bare": lambda: Sample(bare(url, seconds, concurrency)),
                "ours": lambda: Sample(run(through_egress(url, seconds, concurrency))),
            }
        )
    yield Row("new connections, egress", found["ours"].rate, "bare libcurl", found["bare"].rate)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--loop", choices=["uvloop", "asyncio"], default="uvloop")
    given = parser.parse_args()
    for line in markdown(rows(given.seconds, given.concurrency, given.loop)):
        print(line)


if __name__ == "__main__":
    main()
