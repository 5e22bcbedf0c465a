"""Name lookup that can be given up: a hanging DNS server holds back neither others nor an exit.

libcurl's own resolver shares 20 threads among all transfers and joins them when it is closed.
Here each lookup has a daemon thread of its own, callers of the same name share it, and whoever
stops waiting leaves it behind.
"""

import asyncio
import socket
import threading
from contextlib import suppress
from functools import lru_cache

from dogwatch.egress.message import EgressError

MAX_LOOKUPS = 512
KEEP_S = 5.0

Answer = tuple[str, ...]


class Names:
    """Resolves host names to addresses and remembers an answer for a few seconds."""

    def __init__(self) -> None:
        self._pending: dict[str, asyncio.Future[Answer]] = {}
        self._known: dict[str, Answer] = {}

    def known(self, host: str) -> Answer:
        """Return what needs no lookup: a literal stands for itself; () for any other."""
        return literal(host) or self._known.get(host, ())

    async def lookup(self, host: str) -> Answer:
        """Return the addresses of `host` in the system's order.

        Raises `EgressError` dns. Sets no deadline: the caller does.
        """
        if known := self.known(host):
            return known
        return await asyncio.shield(self._pending.get(host) or self._start(host))

    def _start(self, host: str) -> asyncio.Future[Answer]:
        if len(self._pending) >= MAX_LOOKUPS:
            raise EgressError("dns", "could not resolve host: too many lookups are hanging")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._pending[host] = future
        future.add_done_callback(lambda done: self._finish(loop, host, done))
        threading.Thread(
            target=_resolve, args=(loop, host, future), daemon=True, name="egress-dns"
        ).start()
        return future

    def _finish(
        self, loop: asyncio.AbstractEventLoop, host: str, done: asyncio.Future[Answer]
    ) -> None:
        del self._pending[host]
        if done.cancelled() or done.exception():
            return
        self._known[host] = done.result()
        loop.call_later(KEEP_S, self._known.pop, host, None)

    def close(self) -> None:
        """Give up every pending lookup."""
        for future in self._pending.values():
            future.cancel()


@lru_cache(maxsize=1024)
def literal(host: str) -> Answer:
    """Return the address a literal means, odd spellings such as 0x7f.1 included; () for a name."""
    try:
        return _addresses(host, socket.AI_NUMERICHOST)
    except (OSError, ValueError):
        return ()


def _addresses(host: str, flags: int) -> Answer:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=flags)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


def _resolve(loop: asyncio.AbstractEventLoop, host: str, future: asyncio.Future[Answer]) -> None:
    answer: Answer = ()
    with suppress(OSError, ValueError):
        answer = _addresses(host, 0)
    with suppress(RuntimeError):  # the loop closed meanwhile: nobody waits any more
        loop.call_soon_threadsafe(_settle, future, answer)


def _settle(future: asyncio.Future[Answer], answer: Answer) -> None:
    if future.done():
        return
    if answer:
        future.set_result(answer)
    else:
        future.set_exception(EgressError("dns", "could not resolve host"))
