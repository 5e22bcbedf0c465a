"""The limit that Cronium documents: 100 requests a minute."""

from collections.abc import Sequence

from dogwatch.core.limits import Verdict, Window
from dogwatch.core.plans import Plan
from dogwatch.usecases.callers import Caller
from dogwatch.usecases.limiting import Asked
from dogwatch.web.dialect.tongue import Headers

PER_MINUTE, MINUTE_S = 100, 60


def windows(plan: Plan, caller: Caller) -> Sequence[Asked]:
    """Return the one window of a workspace."""
    subject = f"cronium:{caller.workspace_id}"
    return (Asked(subject, "minute", Window("fixed", PER_MINUTE, MINUTE_S)),)


def told(spent: Sequence[tuple[Asked, Verdict]]) -> Headers:
    """Return the headers of every answer: it documents none."""
    return ()
