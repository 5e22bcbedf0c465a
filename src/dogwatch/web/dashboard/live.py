"""The event stream of open pages: told at once that something changed, they ask what."""

from collections.abc import AsyncIterator

from fastapi import Response
from fastapi.responses import StreamingResponse

from dogwatch.usecases.audit_log import PAGE
from dogwatch.usecases.callers import require
from dogwatch.web.api.stream import wait, woken
from dogwatch.web.dashboard.pages import HEADERS
from dogwatch.web.dashboard.visit import Visit
from dogwatch.web.services import Services

HEARTBEAT_S = 15.0
# Whoever hears of changes asks for the page: no oftener than that.
REST_S = 1.0
# After that the browser comes again, and shows anew who it is.
LIFE_S = 600.0
TOPICS = frozenset({PAGE, "output", "*"})


async def show(visit: Visit) -> Response:
    """Tell of changes until the server stops."""
    require(visit.caller, "watches.list")
    headers = {**HEADERS, "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(visit.services), 200, headers, "text/event-stream")


async def _events(services: Services) -> AsyncIterator[str]:
    until = services.clock.monotonic() + LIFE_S
    yield "retry: 3000\n\n"
    with woken(services, TOPICS) as changed:
        while not services.stopping.is_set() and services.clock.monotonic() < until:
            await wait(changed, services.stopping, timeout_s=HEARTBEAT_S)
            if not changed.is_set():
                yield ": still here\n\n"
                continue
            changed.clear()
            yield "event: changed\ndata: 1\n\n"
            await wait(services.stopping, timeout_s=REST_S)
