"""/healthz: the process turns. /readyz: it can do its work, or at least keep pings."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from dogwatch.clock import Clock
from dogwatch.core.problems import Problem
from dogwatch.usecases import readiness
from dogwatch.web.latest import Latest
from dogwatch.web.services import Services

PATIENCE_S = 3.0

Checks = Callable[[], Awaitable[Mapping[str, str]]]


async def healthz(request: Request) -> Response:
    """Answer as long as the loop turns."""
    return Response("ok", media_type="text/plain; charset=utf-8")


class Readiness:
    """Answers 200 if every part is well or if pings are kept all the same, else 503.

    Who sends pings must not be turned away from a node that takes them: without its database it
    is `degraded`, ready for pings and for nothing else. The body says what each part is, or was
    up to a second ago: a question costs a write.
    """

    def __init__(self, checks: Checks, clock: Clock) -> None:
        self._checks = Latest(checks, clock)

    async def __call__(self, request: Request) -> Response:
        """Answer a question."""
        return _answer(await self._checks.get())


def _answer(checks: Mapping[str, str]) -> Response:
    well = all(state == readiness.OK for state in checks.values())
    kept = checks.get("pings") == readiness.OK
    status = "ready" if well else "degraded" if kept else "not ready"
    body = {"status": status, "checks": dict(checks)}
    return JSONResponse(body, 200 if well or kept else 503)


async def checks_of(services: Services) -> Mapping[str, str]:
    """Return what each part of a process with its database is."""
    at = services.clock.now()
    try:
        async with asyncio.timeout(PATIENCE_S):
            if services.ready:
                return await services.ready()
            return await services.door.awrite(lambda tx: readiness.probe(tx, at))
    except Exception as error:
        checks = {"database": why(error)}
    if services.probe_spool:
        checks["pings"] = await spooled(services.probe_spool)
    return checks


async def spooled(probe: Callable[[], None]) -> str:
    """Return whether pings are kept without the database."""
    try:
        await asyncio.to_thread(probe)
    except Exception as error:
        return why(error)
    return readiness.OK


def why(error: Exception) -> str:
    """Return why a part is not well, without the data that it was asked with."""
    if isinstance(error, TimeoutError):
        return "does not answer"
    return error.message if isinstance(error, Problem) else f"it failed: {type(error).__name__}"
