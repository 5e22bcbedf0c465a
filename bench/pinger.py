"""A quick client for pings: plain sockets and epoll, 64 at once, in a process of its own."""

import select
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

CLIENTS = 64


@dataclass(slots=True)
class Pinger:
    """Pings `paths` in turn, one request in flight on each of `CLIENTS` connections."""

    port: int
    paths: Sequence[str]
    keep_alive: bool
    answered: int = 0
    _asked: int = 0
    _open: dict[int, socket.socket] = field(default_factory=dict)
    _poll: "select.epoll" = field(default_factory=select.epoll)

    def rate(self, seconds: float) -> float:
        """Return answers per second over so long, after a short run-up."""
        for _ in range(CLIENTS):
            self._connect()
        self._work(seconds / 4)
        before, began = self.answered, time.perf_counter()
        self._work(seconds)
        found = (self.answered - before) / (time.perf_counter() - began)
        for one in self._open.values():
            one.close()
        self._poll.close()
        return found

    def _work(self, seconds: float) -> None:
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            for number, _ in self._poll.poll(1):
                self._hear(self._open[number])

    def _connect(self) -> None:
        one = socket.create_connection(("127.0.0.1", self.port))
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open[one.fileno()] = one
        self._poll.register(one.fileno(), select.EPOLLIN)
        self._ask(one)

    def _ask(self, one: socket.socket) -> None:
        path = self.paths[self._asked % len(self.paths)]
        self._asked += 1
        stays = b"" if self.keep_alive else b"Connection: close\r\n"
        one.send(
            b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\n%b"
            b"Content-Length: 4\r\n\r\ndone" % (path.encode(), stays)
        )

    def _hear(self, one: socket.socket) -> None:
        answer = one.recv(4096)
        if answer.startswith(b"HTTP/1.1 200 ") and not answer.endswith(b"OK"):
            return  # head and body may come apart
        if not answer.endswith(b"OK"):
            raise RuntimeError(f"not the answer to a ping: {answer!r}")
        self.answered += 1
        if self.keep_alive:
            self._ask(one)
            return
        del self._open[one.fileno()]
        self._poll.unregister(one.fileno())
        one.close()
        self._connect()
