"""Who calls: each route names its operation, and no body is read before the key is known."""

import re
from collections.abc import Callable, Collection, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from dogwatch.core.policy import POLICY
from dogwatch.core.problems import Problem, refuse
from dogwatch.usecases.callers import Caller, require
from dogwatch.usecases.holders import Holders
from dogwatch.web.api import limits
from dogwatch.web.api.payload import StrictRequest, capped, check_media_type
from dogwatch.web.api.problems import plain
from dogwatch.web.api.wire import ProblemOut
from dogwatch.web.origin import origin_of
from dogwatch.web.services import Services

_TOKEN = re.compile(rb"(?i:bearer) +([A-Za-z0-9_]{1,200}) *")
_BODILESS = frozenset({"GET", "DELETE"})

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def resource(name: str) -> APIRouter:
    """Return the router of one resource."""
    return APIRouter(
        prefix=f"/{name}",
        tags=[name],
        route_class=KeyedRoute,
        generate_unique_id_function=lambda route: route.name,
        responses={"default": {"model": ProblemOut}},
    )


def needs(operation: str) -> dict[str, Any]:
    """Return the arguments of a route that carries out `operation` of the policy.

    The OpenAPI document tells it, and the scope that it takes; KeyError: not in the policy.
    """
    return {"openapi_extra": {"x-operation": operation, "x-scope": POLICY[operation].scope}}


class KeyedRoute(APIRoute):
    """A route for those who may do its operation; one that names none breaks at start.

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
        operation = str((self.openapi_extra or {})["x-operation"])
        bodiless = self.body_field is None
        known = {one.alias for one in get_flat_params(self.dependant)}

        async def keyed(request: Request) -> Response:
            try:
                caller = await authenticate(request)
            except Problem as problem:
                await limits.count_failure(request, problem)
                raise
            await limits.spend(request, caller.workspace_id)
            require(caller, operation)
            _check_query(request, known)
            request.state.caller, request.state.operation = caller, operation
            if request.method == "HEAD":
                return _head_of(await handle(request))
            if request.method in _BODILESS and bodiless:
                return await handle(request)
            check_media_type(request)
            return await handle(StrictRequest(request.scope, capped(request)))

        return keyed


def _head_of(answer: Response) -> Response:
    """Return the answer without its content, of which a live one would have no end."""
    head = Response(None, answer.status_code, answer.headers)
    if "content-length" not in answer.headers:
        del head.headers["content-length"]
    return head


async def authenticate(request: Request) -> Caller:
    """Return who holds the bearer key (RFC 6750), or raise unauthorized."""
    services: Services = request.app.state.services
    sent = (value for name, value in request.scope["headers"] if name == b"authorization")
    given = _TOKEN.fullmatch(next(sent, b""))
    if given is None:
        raise Problem("unauthorized", "send an API key: Authorization: Bearer dw_live_…")
    holders: Holders = request.app.state.holders
    ip = origin_of(request.scope, services.trusted_proxies).ip
    return await holders.caller(given[1].decode(), ip)


def _check_query(request: Request, known: Collection[str]) -> None:
    """Refuse what is unknown, as in bodies: a misspelt filter would show too much."""
    unknown = [plain(name) for name in request.query_params if name not in known]
    refuse(dict.fromkeys(unknown, "is not a parameter here; check its spelling"))
