"""A dialect as its folder describes it, and the application that speaks it."""

import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dogwatch import __version__
from dogwatch.clock import Clock
from dogwatch.core.dialects import DIALECTS
from dogwatch.core.limits import Verdict
from dogwatch.core.plans import Plan
from dogwatch.core.problems import Problem
from dogwatch.ids import new_token
from dogwatch.usecases.callers import Caller
from dogwatch.usecases.holders import Holders
from dogwatch.usecases.limiting import Asked
from dogwatch.web.api.problems import allowed
from dogwatch.web.dialect.opened import Open
from dogwatch.web.dialect.refusal import Refusal, Refused, of_problem
from dogwatch.web.page import Endpoint
from dogwatch.web.services import Services

Headers = Sequence[tuple[str, str]]

_log = logging.getLogger("dogwatch.dialects")


@dataclass(frozen=True, slots=True)
class Tongue:
    """How a dialect speaks: who calls by `token_of` a request, `windows` he is limited by and
    `told` of, and how a refusal is `worded` at a time. `base` leads all paths of its routes; those
    of `public` are open to all, and those of `hooks` to whoever has the key that is in the path;
    `opened` describes these, and its pings; `around` is put around all of it.
    """

    name: str
    base: str
    router: APIRouter
    token_of: Callable[[Request], Awaitable[str | None]]
    windows: Callable[[Plan, Caller], Sequence[Asked]]
    told: Callable[[Sequence[tuple[Asked, Verdict]]], Headers]
    worded: Callable[[Refusal, datetime], Response]
    public: Mapping[str, Endpoint] = field(default_factory=dict)
    hooks: Mapping[str, Endpoint] = field(default_factory=dict)
    key_header: str = "X-API-Key"
    opened: Mapping[str, Open] = field(default_factory=dict)
    around: Callable[[ASGIApp], ASGIApp] | None = None


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
    app.add_middleware(_Guard, tongue=tongue, clock=services.clock)
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
            return worded(request, Refusal("no_path", "there is nothing at this address"))
        case 405:
            names = ", ".join(allowed(request))
            told = f"this address takes {names}, not {request.method}"
            return worded(request, Refusal("no_method", told, allowed=names))
        case _:
            return worded(request, Refusal("unreadable", str(error.detail)))


class _Guard:
    """Words what nobody foresaw, adds what the caller is told of his windows, and answers HEAD as
    GET, without content; the log has the place of a mistake, never its data."""

    def __init__(self, app: ASGIApp, tongue: Tongue, clock: Clock) -> None:
        self._app = app
        self._tongue = tongue
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        begun, head = False, scope.get("method") == "HEAD"
        if head:
            scope = {**scope, "method": "GET"}

        async def watched(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun, message = True, _with_windows(scope, message)
            if head and "body" in message:
                message = {**message, "body": b""}
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            where = "".join(traceback.format_tb(error.__traceback__))
            mark = new_token(60)
            _log.error("unexpected %s (%s)\n%s", type(error).__name__, mark, where)
            if begun:
                raise
            told = Refusal("fault", "Dogwatch made a mistake; its log says where", mark=mark)
            sorry = self._tongue.worded(told, self._clock.now())
            await sorry(scope, receive, watched)


def _with_windows(scope: Scope, message: Message) -> Message:
    told: Any = scope.get("state", {}).get("told")
    if not told:
        return message
    lines = [(name.lower().encode(), value.encode()) for name, value in told]
    return {**message, "headers": [*message["headers"], *lines]}
