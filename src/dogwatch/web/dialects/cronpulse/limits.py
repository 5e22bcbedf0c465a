"""Limits of CronPulse: none are documented, so there are those that the operator's plan sets."""

from collections.abc import Sequence

from dogwatch.core.limits import Verdict
from dogwatch.core.plans import Plan
from dogwatch.usecases.callers import Caller
from dogwatch.usecases.limiting import Asked
from dogwatch.web.dialect.tongue import Headers


def windows(plan: Plan, caller: Caller) -> Sequence[Asked]:
    """Return the windows of the plan of a workspace."""
    subject = f"cronpulse:{caller.workspace_id}"
    return [Asked(subject, name, window) for name, window in plan.windows().items()]


def told(_: Sequence[tuple[Asked, Verdict]]) -> Headers:
    """Return no headers: the document has none."""
    return ()
