"""A route of a dialect: the key, the windows and the permission come before the body."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from dogwatch.core.dialects import DIALECTS
from dogwatch.core.policy import POLICY, lacks_scope
from dogwatch.core.problems import Problem
from dogwatch.usecases.callers import Caller, require
from dogwatch.web.api.payload import StrictRequest, capped
from dogwatch.web.dialect.gate import authenticate, spend
from dogwatch.web.dialect.tongue import Tongue

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def router_of(base: str) -> APIRouter:
    """Return the router of a dialect whose paths begin with `base`."""
    return APIRouter(
        prefix=base,
        route_class=DialectRoute,
        generate_unique_id_function=lambda route: route.name,
    )


def needs(operation: str) -> dict[str, Any]:
    """Return the `openapi_extra` of a route; KeyError: not in the policy."""
    return {"x-operation": operation, "x-scope": POLICY[operation].scope}


class DialectRoute(APIRoute):
    """A route for those who may do its operation; one that names none breaks at start."""

    def get_route_handler(self) -> Handler:
        """Return the handler behind the checks of the head."""
        handle = super().get_route_handler()
        operation = str((self.openapi_extra or {})["x-operation"])

        async def guarded(received: Request) -> Response:
            request = StrictRequest(received.scope, capped(received))
            caller = await authenticate(request)
            await spend(request, caller)
            _permit(request, caller, operation)
            request.state.caller, request.state.operation = caller, operation
            return await handle(request)

        return guarded


def _permit(request: Request, caller: Caller, operation: str) -> None:
    """Raise refused unless the caller may; a product's own word for what is missing is named."""
    tongue: Tongue = request.app.state.tongue
    word = DIALECTS[tongue.name].word_for(POLICY[operation].scope)
    if word and lacks_scope(caller.grant, operation):
        raise Problem("refused", f"the API key lacks the permission {word}")
    require(caller, operation)
