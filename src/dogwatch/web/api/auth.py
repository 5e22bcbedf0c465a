"""Who calls: every route names the scope it needs, and no body is read before the key is known."""

import json
import logging
import re
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response, Security
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from starlette.routing import Match
from starlette.types import Message, Receive, Scope, Send

from dogwatch.core.problems import Problem
from dogwatch.usecases import keys
from dogwatch.web.api.problems import plain
from dogwatch.web.api.wire import ProblemOut
from dogwatch.web.services import Services

MAX_BODY = 1024 * 1024
_TOKEN = re.compile(r"(?i:bearer) +([A-Za-z0-9_]{1,200}) *")
_BODILESS = frozenset({"GET", "DELETE"})

_log = logging.getLogger("dogwatch.api")

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def resource(name: str) -> APIRouter:
    """Return the router of one resource."""
    return APIRouter(
        prefix=f"/{name}",
        tags=[name],
        route_class=KeyedRoute,
        generate_unique_id_function=lambda route: route.name,
        dependencies=[Security(HTTPBearer(auto_error=False, description="An API key."))],
        responses={"default": {"model": ProblemOut}},
    )


def needs(scope: str) -> dict[str, Any]:
    """Return the arguments of a route that needs `scope`; the OpenAPI document tells it too."""
    return {"openapi_extra": {"x-scope": scope}}


class KeyedRoute(APIRoute):
    """A route for those whose key grants its scope; one without a scope breaks at start.

    What answers GET answers HEAD, too (RFC 9110, section 9.3.2), without a second entry in the
    OpenAPI document.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Take HEAD for GET."""
        match, child = super().matches(scope)
        return (Match.FULL if match is Match.PARTIAL and self._heads(scope) else match), child

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, HEAD as well."""
        if self._heads(scope):
            await self.app(scope, receive, send)
        else:
            await super().handle(scope, receive, send)

    def _heads(self, scope: Scope) -> bool:
        return scope["method"] == "HEAD" and "GET" in (self.methods or ())

    def get_route_handler(self) -> Handler:
        """Return the handler behind the checks of the head."""
        handle = super().get_route_handler()
        scope = str((self.openapi_extra or {})["x-scope"])
        known = {one.alias for one in get_flat_params(self.dependant)}

        async def keyed(request: Request) -> Response:
            principal = await authenticate(request)
            keys.require(principal, scope)
            _check_query(request, known)
            request.state.principal = principal
            if request.method == "HEAD":
                return _head_of(await handle(request))
            if request.method in _BODILESS:
                return await handle(request)
            _check_media_type(request)
            return await handle(StrictRequest(request.scope, _capped(request)))

        return keyed


def _head_of(answer: Response) -> Response:
    """Return the answer without its content, of which a live one would have no end."""
    return Response(None, answer.status_code, answer.headers)


async def authenticate(request: Request) -> keys.Principal:
    """Return who holds the bearer key (RFC 6750), or raise unauthorized."""
    services: Services = request.app.state.services
    given = _TOKEN.fullmatch(request.headers.get("authorization", ""))
    if given is None:
        raise Problem("unauthorized", "send an API key: Authorization: Bearer dw_live_…")
    at, vault = services.clock.now(), services.vault
    principal, stale = await services.door.aread(
        lambda tx: keys.authenticate(tx, given[1], vault, at)
    )
    if stale:
        await _note_use(services, principal)
    return principal


async def _note_use(services: Services, principal: keys.Principal) -> None:
    """Note when the key was used; that this fails on a full disk must not stop a reader."""
    at = services.clock.now()
    try:
        await services.door.awrite(lambda tx: keys.used(tx, principal, at))
    except Exception as error:
        _log.warning("the use of a key was not noted: %s", type(error).__name__)


def _check_query(request: Request, known: Collection[str]) -> None:
    """Refuse what is unknown, as in bodies: a misspelt filter would show too much."""
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        fields = dict.fromkeys(map(plain, unknown), "is not a parameter here; check its spelling")
        raise Problem("invalid", "; ".join(f"{n}: {why}" for n, why in fields.items()), fields)


class StrictRequest(Request):
    """A request whose body is JSON to the letter (RFC 8259): no NaN, no name twice."""

    async def json(self) -> Any:
        """Return the body; JSONDecodeError if it is no such JSON."""
        return json.loads(await self.body(), object_pairs_hook=_object, parse_constant=_no_constant)


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise json.JSONDecodeError(f"{plain(twice)!r} stands twice in one object", "", 0)
    return found


def _no_constant(name: str) -> Any:
    raise json.JSONDecodeError(f"{name} is no number of JSON", "", 0)


def _check_media_type(request: Request) -> None:
    empty = request.headers.get("content-length", "0") == "0"
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/json" or (empty and "transfer-encoding" not in request.headers):
        return
    raise HTTPException(415, "send JSON, with Content-Type: application/json")


def _capped(request: Request) -> Callable[[], Awaitable[Message]]:
    """Return the request's body, refused once it is more than 1 MiB."""
    left = MAX_BODY
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared[:20]) > MAX_BODY:
        left = -1

    async def receive() -> Message:
        nonlocal left
        message = await request.receive() if left >= 0 else {}
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(413, "the body is larger than 1 MiB")
        return dict(message)

    return receive
