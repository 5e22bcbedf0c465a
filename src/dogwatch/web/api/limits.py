"""Limits of the API: what a caller is told of his windows, on every answer.

`RateLimit` and `RateLimit-Policy` as in draft-ietf-httpapi-ratelimit-headers-10: lists of named
policies with quota `q` and window `w`, and with what remains `r` until it is reset in `t` seconds.
"""

from collections.abc import Sequence
from datetime import datetime
from math import ceil

from fastapi import Request

from dogwatch.core.limits import Verdict
from dogwatch.core.problems import Problem
from dogwatch.usecases.limiting import Asked, admit, failure_windows
from dogwatch.web.origin import origin_of
from dogwatch.web.services import Services

Headers = list[tuple[bytes, bytes]]


async def spend(request: Request, workspace_id: int) -> None:
    """Spend a request of a workspace, or raise limited; an unlimited plan costs nothing."""
    services: Services = request.app.state.services
    if services.limits is None:
        return
    asked = await services.limits.plans.windows(workspace_id)
    if asked:
        verdicts = await services.limits.limiter.spend(asked)
        request.state.limit_headers = headers(asked, verdicts, services.clock.now())
        admit(verdicts)


async def count_failure(request: Request, problem: Problem) -> None:
    """Count those whose key is not valid; too many are told to wait instead."""
    if problem.kind == "unauthorized":
        await count_stranger(request)


async def count_stranger(request: Request) -> None:
    """Count a key that nobody has, by the address that it came from; raise limited for many."""
    services: Services = request.app.state.services
    if services.limits:
        ip = origin_of(request.scope, services.trusted_proxies).ip
        admit(await services.limits.strangers.spend(failure_windows(ip)))


def headers(asked: Sequence[Asked], verdicts: Sequence[Verdict], at: datetime) -> Headers:
    """Return what is said of each window; nothing where nobody could look."""
    if not verdicts:
        return []
    policies = [f'"{one.name}";q={one.window.limit};w={one.window.seconds}' for one in asked]
    left = [
        f'"{one.name}";r={verdict.remaining};t={_seconds(verdict.reset_at, at)}'
        for one, verdict in zip(asked, verdicts, strict=True)
    ]
    return [
        (b"ratelimit-policy", ", ".join(policies).encode()),
        (b"ratelimit", ", ".join(left).encode()),
    ]


def _seconds(reset_at: datetime, at: datetime) -> int:
    return max(0, ceil((reset_at - at).total_seconds()))
