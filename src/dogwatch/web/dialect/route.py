"""A route of a dialect: the key, the windows and the permission come before the body."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from dogwatch.core.dialects import DIALECTS
from dogwatch.core.policy import POLICY, lacks_scope
from dogwatch.core.problems import Problem
from dogwatch.usecases.callers import Caller, require
from dogwatch.usecases.holders import Holders
from dogwatch.usecases.limiting import failure_windows, longest_wait_s
from dogwatch.web.api.payload import StrictRequest, capped
from dogwatch.web.dialect.refusal import Refusal, Refused
from dogwatch.web.dialect.tongue import Tongue
from dogwatch.web.origin import origin_of
from dogwatch.web.services import Services

_MOST_TOKEN = 200

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
            await _spend(request, caller)
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


async def authenticate(request: Request) -> Caller:
    """Return who holds the dialect's key, or raise what says that nobody does."""
    services: Services = request.app.state.services
    tongue: Tongue = request.app.state.tongue
    token = await tongue.token_of(request)
    ip = origin_of(request.scope, services.trusted_proxies).ip
    if not token:
        raise Refused(Refusal("nameless", "an API key is missing"))
    holders: Holders = request.app.state.holders
    try:
        return await holders.caller(token[:_MOST_TOKEN], ip)
    except Problem as problem:
        await _count_failure(services, ip, problem)
        raise


async def _count_failure(services: Services, ip: str, problem: Problem) -> None:
    """Count those whose key is not valid, by address; too many are told to wait instead."""
    if problem.kind == "unauthorized" and services.limits:
        verdicts = await services.limits.strangers.spend(failure_windows(ip))
        wait_s = longest_wait_s(verdicts)
        if wait_s:
            told = "too many calls with a wrong key"
            raise Refused(Refusal("limited", told, retry_after_s=wait_s))


async def _spend(request: Request, caller: Caller) -> None:
    """Spend a call from the dialect's windows, and say what is left of them."""
    services: Services = request.app.state.services
    tongue: Tongue = request.app.state.tongue
    if services.limits is None:
        return
    plan = await services.limits.plans.of(caller.workspace_id)
    asked = tongue.windows(plan, caller)
    verdicts = await services.limits.limiter.spend(asked)
    spent = list(zip(asked, verdicts, strict=True)) if verdicts else []
    request.state.told = tongue.told(spent)
    wait_s = longest_wait_s(verdicts)
    if wait_s:
        told = "too many requests"
        raise Refused(Refusal("limited", told, retry_after_s=wait_s, spent=spent))
