"""Limits as CronMonitor tells them: per account, in hours by the clock."""

from collections.abc import Sequence

from dogwatch.core.limits import Verdict, Window
from dogwatch.core.plans import Plan
from dogwatch.usecases.callers import Caller
from dogwatch.usecases.limiting import Asked
from dogwatch.web.dialect.gate import rate_limit
from dogwatch.web.dialect.tongue import Headers

HOUR_S = 3600
MOST = 10_000


def windows(plan: Plan, caller: Caller) -> Sequence[Asked]:
    """Return the one window of a workspace."""
    limit = plan.requests_per_hour or MOST
    subject = f"cronmonitor:{caller.workspace_id}"
    return (Asked(subject, "hour", Window("fixed", limit, HOUR_S)),)


def told(spent: Sequence[tuple[Asked, Verdict]]) -> Headers:
    """Return the headers of every answer."""
    return [line for asked, verdict in spent for line in rate_limit(asked, verdict, int)]
