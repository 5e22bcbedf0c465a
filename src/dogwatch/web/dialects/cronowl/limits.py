"""Limits as CronOwl tells them: per key, in minutes that begin with the first request."""

from collections.abc import Sequence
from math import ceil

from dogwatch.core.limits import Verdict, Window
from dogwatch.core.plans import Plan
from dogwatch.usecases.callers import Caller
from dogwatch.usecases.limiting import Asked, of_address
from dogwatch.web.dialect.gate import rate_limit
from dogwatch.web.dialect.tongue import Headers

PER_MINUTE = 60
PINGS_PER_MINUTE = 100
MINUTE_S = 60


def windows(plan: Plan, caller: Caller) -> Sequence[Asked]:
    """Return the one window of a key."""
    limit = plan.requests_per_minute or PER_MINUTE
    return (Asked(f"cronowl:{caller.id}", "minute", Window("first", limit, MINUTE_S)),)


def of_pings(ip: str) -> Sequence[Asked]:
    """Return the one window of an address that pings."""
    window = Window("first", PINGS_PER_MINUTE, MINUTE_S)
    return (Asked(f"cronowl:{of_address(ip)}", "pings", window),)


def told(spent: Sequence[tuple[Asked, Verdict]]) -> Headers:
    """Return the headers of every answer to a good key."""
    return [line for asked, verdict in spent for line in rate_limit(asked, verdict, ceil)]
