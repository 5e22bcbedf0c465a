"""Plans: how much of everything a workspace may have. None is no limit.

The figures of free, starter and pro are those that CronOwl publishes; requests per hour are
CronMonitor's, requests per day and the last plan's per minute CronBeats'. The rest is ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from dogwatch.core.limits import Window
from dogwatch.core.problems import Problem, Usage

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
# The actions by which a job is an HTTP monitor: it counts as one, and its runs are probe history.
MONITOR_ACTIONS = frozenset({"http", "probe"})


@dataclass(frozen=True, slots=True)
class Plan:
    """What one workspace may have; `min_interval_s` is the least time between two probes.

    `http_monitors` are jobs with one of `MONITOR_ACTIONS`, which count as watches as well;
    `probe_history_days` says how long their runs are kept, `history_days` all the rest.
    `webhooks_per_watch` are those that CronOwl's API gives a watch, `active_incidents` the posts
    on status pages that are not resolved.
    """

    name: str
    watches: int | None = None
    http_monitors: int | None = None
    min_interval_s: int = 1
    history_days: int | None = None
    probe_history_days: int | None = None
    api_keys: int | None = None
    requests_per_minute: int | None = None
    requests_per_hour: int | None = None
    requests_per_day: int | None = None
    members: int | None = None
    output_bytes: int | None = None
    concurrent_runs: int | None = None
    webhooks_per_watch: int | None = None
    status_pages: int | None = None
    active_incidents: int | None = None

    def windows(self) -> Mapping[str, Window]:
        """Return the windows of requests by name: whole minutes, whole hours, UTC days."""
        asked = {
            "minute": (self.requests_per_minute, MINUTE_S),
            "hour": (self.requests_per_hour, HOUR_S),
            "day": (self.requests_per_day, DAY_S),
        }
        return {
            name: Window("fixed", limit, length_s)
            for name, (limit, length_s) in asked.items()
            if limit is not None
        }

    def figures(self) -> Mapping[str, int | None]:
        """Return every limit by name."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "name"}


UNLIMITED = Plan("unlimited")

PLANS: Mapping[str, Plan] = {
    plan.name: plan
    for plan in (
        Plan(
            "free",
            watches=25,
            http_monitors=1,
            min_interval_s=300,
            history_days=7,
            probe_history_days=1,
            api_keys=10,
            requests_per_minute=60,
            requests_per_hour=100,
            members=1,
            output_bytes=1_000,
            concurrent_runs=1,
            webhooks_per_watch=0,
            status_pages=1,
            active_incidents=1,
        ),
        Plan(
            "starter",
            watches=100,
            http_monitors=10,
            min_interval_s=120,
            history_days=30,
            probe_history_days=7,
            api_keys=10,
            requests_per_minute=60,
            requests_per_hour=500,
            members=1,
            output_bytes=5_000,
            concurrent_runs=3,
            webhooks_per_watch=3,
            status_pages=3,
            active_incidents=3,
        ),
        Plan(
            "pro",
            watches=500,
            http_monitors=50,
            min_interval_s=60,
            history_days=90,
            probe_history_days=30,
            api_keys=10,
            requests_per_minute=60,
            requests_per_hour=1_000,
            members=4,
            output_bytes=10_000,
            concurrent_runs=10,
            webhooks_per_watch=10,
            status_pages=10,
            active_incidents=100,
        ),
        Plan(
            "business",
            watches=5_000,
            http_monitors=500,
            min_interval_s=10,
            history_days=365,
            probe_history_days=90,
            api_keys=100,
            requests_per_minute=60,
            requests_per_hour=10_000,
            requests_per_day=20_000,
            members=25,
            output_bytes=100_000,
            concurrent_runs=50,
            webhooks_per_watch=10,
            status_pages=100,
            active_incidents=1_000,
        ),
        UNLIMITED,
    )
}


def plan_of(name: str) -> Plan:
    """Return a plan by its name, or raise invalid."""
    if name not in PLANS:
        message = f"give one of {', '.join(PLANS)}"
        raise Problem("invalid", f"plan: {message}", {"plan": message})
    return PLANS[name]


def admit(plan: Plan, figure: str, present: int, more: int = 1) -> None:
    """Raise exceeded where `more` things would be over the plan; `figure` names the limit."""
    limit = plan.figures()[figure]
    if limit is not None and present + more > limit:
        what = figure.replace("_", " ")
        raise Problem(
            "exceeded",
            f"the plan {plan.name} allows {limit} {what}; remove some, or take a larger plan",
            {figure: f"{present} of {limit} are in use"},
            usage=Usage(plan.name, limit, present),
        )
