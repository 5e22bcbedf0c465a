"""Whether anybody is there; whoever asks needs no key."""

import json
from collections.abc import Mapping

from fastapi import Request, Response

from dogwatch.core.instants import iso_s
from dogwatch.web.page import Endpoint
from dogwatch.web.services import Services


async def show_health(request: Request) -> Response:
    """Say that the server answers."""
    services: Services = request.app.state.services
    said = {"status": "ok", "timestamp": iso_s(services.clock.now())}
    return Response(json.dumps(said), media_type="application/json")


PUBLIC: Mapping[str, Endpoint] = {"/api/health": show_health}
