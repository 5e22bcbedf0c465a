"""Whether the server reaches its database, as Healthchecks tells whoever asks: `OK`, or 500."""

from fastapi import Request, Response

from dogwatch.core.problems import Problem
from dogwatch.web.page import Endpoint
from dogwatch.web.services import Services


async def show(request: Request) -> Response:
    """Ask the database for nothing."""
    services: Services = request.app.state.services
    try:
        await services.door.aread(lambda _: None, workspace_id=None)
    except Problem:
        return Response("the database is away", 500, media_type="text/plain; charset=utf-8")
    return Response("OK", media_type="text/plain; charset=utf-8")


PUBLIC: dict[str, Endpoint] = {
    "/api/{version}/status": show,
    "/api/{version}/status/": show,
}
