"""Where scripts of this process find their helpers over HTTP: a port of loopback's choice."""

import contextlib
import socket
from collections.abc import AsyncIterator

from dogwatch.clock import Clock
from dogwatch.usecases.desk import Desks
from dogwatch.web.edge import EdgeLimits, server
from dogwatch.web.remote import remote

HOST = "127.0.0.1"
LIMITS = EdgeLimits(connections=512)


@contextlib.asynccontextmanager
async def listening(desks: Desks, clock: Clock) -> AsyncIterator[None]:
    """Answer inside the block, and have each run told where."""
    with socket.create_server((HOST, 0), backlog=128) as bound:
        port = bound.getsockname()[1]
        http = server(remote(desks), HOST, port, LIMITS, clock, graceful_s=1)
        async with http.serving(bound):
            desks.remote_url = f"http://{HOST}:{port}"
            try:
                yield
            finally:
                desks.remote_url = None
