"""What CronOwl tells anybody: whether it is there."""

from collections.abc import Mapping

from fastapi import Request, Response

from dogwatch import __version__
from dogwatch.web.dialects.cronowl.wire import Instant, Wire
from dogwatch.web.page import Endpoint
from dogwatch.web.services import Services


class Health(Wire):
    """That the server answers; `uptime` in seconds."""

    status: str
    timestamp: Instant
    uptime: float
    version: str


async def health(request: Request) -> Response:
    """Say that the server answers."""
    services: Services = request.app.state.services
    body = Health(
        status="ok",
        timestamp=services.clock.now(),
        uptime=round(services.clock.monotonic() - request.app.state.began_s, 3),
        version=__version__,
    )
    return Response(body.model_dump_json(), media_type="application/json")


PAGES: Mapping[str, Endpoint] = {"/api/health": health}
