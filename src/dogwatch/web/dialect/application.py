"""The application that speaks a dialect: its routes, and what it says where there is none."""

import logging
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dogwatch import __version__
from dogwatch.core.dialects import DIALECTS
from dogwatch.core.problems import Problem
from dogwatch.ids import new_token
from dogwatch.usecases.holders import Holders
from dogwatch.web.api.problems import allowed
from dogwatch.web.dialect.gate import counted
from dogwatch.web.dialect.refusal import Refusal, Refused, of_problem
from dogwatch.web.dialect.tongue import Tongue
from dogwatch.web.guard import Guard, place_of
from dogwatch.web.services import Services

_log = logging.getLogger("dogwatch.dialects")


def application(tongue: Tongue, services: Services) -> FastAPI:
    """Return what speaks a dialect, to be mounted where its base URL is."""
    title = DIALECTS[tongue.name].title
    app = FastAPI(
        title=f"{title} API, spoken by Dogwatch",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.services, app.state.tongue = services, tongue
    app.state.began_s = services.clock.monotonic()
    app.state.holders = Holders(services.door, services.vault, services.clock, tongue.name)
    app.router.routes.extend(tongue.router.routes)
    for path, endpoint in tongue.public.items():
        app.add_route(path, endpoint)
    for path, endpoint in tongue.hooks.items():
        app.add_route(path, endpoint, ["POST"])
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(Refused, _on_refused)
    app.add_exception_handler(HTTPException, _on_http)

    def sorry(_scope: Scope, error: Exception) -> Response:
        mark = new_token(60)
        _log.error("unexpected %s (%s)\n%s", type(error).__name__, mark, place_of(error))
        told = Refusal("fault", "Dogwatch made a mistake; its log says where", mark=mark)
        return tongue.worded(told, services.clock.now())

    app.add_middleware(_HeadAsGet)
    app.add_middleware(Guard, headed=_with_windows, sorry=sorry)
    if tongue.around:
        app.add_middleware(tongue.around)
    return app


def worded(request: Request, refusal: Refusal) -> Response:
    """Return the answer to a refused call, with what HTTP asks for."""
    tongue: Tongue = request.app.state.tongue
    services: Services = request.app.state.services
    answer = tongue.worded(refusal, services.clock.now())
    answer.headers.update(refusal.headers)
    return answer


async def _on_problem(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)
    return worded(request, of_problem(problem))


async def _on_refused(request: Request, refused: Exception) -> Response:
    assert isinstance(refused, Refused)
    return worded(request, refused.refusal)


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, Problem):  # raised while the framework read the body
        return worded(request, of_problem(error.__cause__))
    match error.status_code:
        case 404:
            told = "there is nothing at this address"
            return await _missed(request, Refusal("no_path", told))
        case 405:
            names = ", ".join(allowed(request))
            told = f"this address takes {names}, not {request.method}"
            return await _missed(request, Refusal("no_method", told, allowed=names))
        case _:
            return worded(request, Refusal("unreadable", str(error.detail)))


async def _missed(request: Request, refusal: Refusal) -> Response:
    """Word what is not there; who has a key has spent a call all the same."""
    try:
        await counted(request)
    except Refused as refused:
        refusal = refused.refusal
    return worded(request, refusal)


class _HeadAsGet:
    """Has HEAD served by what serves GET; the guard around it takes the content away."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope.get("method") == "HEAD":
            scope = {**scope, "method": "GET"}
        await self._app(scope, receive, send)


def _with_windows(scope: Scope, message: Message) -> Message:
    """Return the head of an answer with what the caller is told of his windows."""
    told: Any = scope.get("state", {}).get("told")
    if not told:
        return message
    lines = [(name.lower().encode(), value.encode()) for name, value in told]
    return {**message, "headers": [*message["headers"], *lines]}
