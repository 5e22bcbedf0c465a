"""Ports of the loopback for servers of tests."""

import os
import random
import socket
from functools import cache

# Below those that the kernel gives to clients (ip(7)): a client of another test takes none of them
# between our look and the server's start, or while a server is started again.
_PORTS = range(10_000, 32_000)


@cache
def _own() -> list[int]:
    """Return the ports that are ours among the workers that run tests now, in any order."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    ports = list(_PORTS[number :: int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))])
    random.SystemRandom().shuffle(ports)
    return ports


def free_port() -> int:
    """Return a port of the loopback that nobody listens on, and that no other test gets."""
    while True:
        port = _own().pop()
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
