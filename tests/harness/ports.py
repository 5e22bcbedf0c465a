"""Ports of the loopback for servers of tests."""

import random
import socket

# Below those that the kernel gives to clients (ip(7)): a client of another test takes none of them
# between our look and the server's start, or while a server is started again.
_PORTS = range(10_000, 32_000)


def free_port() -> int:
    """Return a port of the loopback that nobody listens on."""
    chance = random.SystemRandom()
    while True:
        port = chance.choice(_PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
