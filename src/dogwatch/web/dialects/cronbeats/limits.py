"""Limits as CronBeats tells them: per workspace, in minutes by the clock and UTC days."""

from collections.abc import Sequence

from dogwatch.core.limits import Verdict, Window
from dogwatch.core.plans import Plan
from dogwatch.usecases.callers import Caller
from dogwatch.usecases.limiting import Asked
from dogwatch.web.dialect.gate import rate_limit
from dogwatch.web.dialect.tongue import Headers

PER_MINUTE, PER_DAY = 60, 20_000
MINUTE_S, DAY_S = 60, 86_400


def windows(plan: Plan, caller: Caller) -> Sequence[Asked]:
    """Return both windows of a workspace."""
    subject = f"cronbeats:{caller.workspace_id}"
    return (
        Asked(subject, "Minute", Window("fixed", PER_MINUTE, MINUTE_S)),
        Asked(subject, "Day", Window("fixed", PER_DAY, DAY_S)),
    )


def told(spent: Sequence[tuple[Asked, Verdict]]) -> Headers:
    """Return the headers of every answer."""
    return [
        line
        for asked, verdict in spent
        for line in rate_limit(asked, verdict, int, f"-{asked.name}")
    ]
