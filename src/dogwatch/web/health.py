"""/healthz: the process turns. /readyz: it can do its work."""

from collections.abc import Mapping

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from dogwatch.core.problems import Problem
from dogwatch.usecases import readiness
from dogwatch.web.services import Services

_FRESH = {"Cache-Control": "no-store"}


async def healthz(request: Request) -> Response:
    """Answer as long as the loop turns."""
    return Response("ok", 200, _FRESH, "text/plain; charset=utf-8")


async def readyz(request: Request) -> Response:
    """Answer 200 if every part is well, else 503; both say what each part is."""
    checks = await _checks(request.app.state.services)
    well = all(state == readiness.OK for state in checks.values())
    body = {"status": "ready" if well else "not ready", "checks": dict(checks)}
    return JSONResponse(body, 200 if well else 503, _FRESH)


async def _checks(services: Services) -> Mapping[str, str]:
    at = services.clock.now()
    try:
        if services.ready:
            return await services.ready()
        return await services.door.awrite(lambda tx: readiness.probe(tx, at))
    except Problem as problem:
        return {"database": problem.message}
    except Exception as error:
        return {"database": f"cannot be written: {type(error).__name__}"}
