"""The gate of a dialect: whose key a call came with, and what is left of his windows."""

import re
from collections.abc import Callable

from fastapi import HTTPException, Request

from dogwatch.core.limits import Verdict
from dogwatch.core.problems import Problem
from dogwatch.usecases.callers import Caller
from dogwatch.usecases.holders import Holders
from dogwatch.usecases.limiting import Asked, longest_wait_s
from dogwatch.web.api.limits import count_failure
from dogwatch.web.api.payload import StrictRequest, capped
from dogwatch.web.dialect.refusal import Refusal, Refused
from dogwatch.web.dialect.tongue import Headers, Tongue
from dogwatch.web.origin import origin_of
from dogwatch.web.services import Services

_MOST_TOKEN = 200
_BEARER = re.compile(r"(?i:bearer) +(\S+) *")


async def bearer(request: Request) -> str | None:
    """Return the token of a Bearer header (RFC 6750), if there is one."""
    given = _BEARER.fullmatch(request.headers.get("authorization", ""))
    return given[1] if given else None


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
        await count_failure(request, problem)
        raise


async def spend(request: Request, caller: Caller) -> None:
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


def rate_limit(
    asked: Asked, verdict: Verdict, seconds: Callable[[float], int], end: str = ""
) -> Headers:
    """Return the headers that many products tell of a window; `end` closes their names.

    `seconds` makes whole ones of the time of its reset, since 1970.
    """
    told = {
        "Limit": asked.window.limit,
        "Remaining": verdict.remaining,
        "Reset": seconds(verdict.reset_at.timestamp()),
    }
    return [(f"X-RateLimit-{name}{end}", str(value)) for name, value in told.items()]


async def counted(received: Request) -> None:
    """Spend a call of something that is not there, if its key is valid: every answer to one tells
    of his windows. Raises Refused once they are spent; a wrong key learns nothing here."""
    request = StrictRequest(received.scope, capped(received))
    try:
        caller = await authenticate(request)
    except (Problem, Refused, HTTPException):
        return
    await spend(request, caller)
