"""Allowances: what the plan of a workspace lets it have. An unlimited plan is asked nothing."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import pairwise

from dogwatch.core.plans import MONITOR_ACTIONS, UNLIMITED, Plan, admit, plan_of
from dogwatch.core.problems import Problem
from dogwatch.core.schedule import Schedule
from dogwatch.store import jobs, watches, workspaces
from dogwatch.store.tx import Tx

# So many due times are looked at for the least time between two.
SLOTS_SEEN = 60


def plan_in(tx: Tx, workspace_id: int) -> Plan:
    """Return the plan of a workspace."""
    workspace = workspaces.get(tx, workspace_id)
    return plan_of(workspace.plan) if workspace else UNLIMITED


def limited(tx: Tx) -> Mapping[int, Plan]:
    """Return the plans of the workspaces that have another than the unlimited one."""
    named = workspaces.plans_but(tx, UNLIMITED.name)
    return {workspace_id: plan_of(name) for workspace_id, name in named.items()}


def admit_watches(tx: Tx, workspace_id: int, more: int = 1) -> None:
    """Raise exceeded where the plan allows not so many more; rivals wait for each other."""
    if plan_in(tx, workspace_id).watches is None:
        return
    workspace = workspaces.get(tx, workspace_id, lock=True)
    if workspace:
        admit(plan_of(workspace.plan), "watches", watches.count(tx, workspace_id), more)


def admit_monitor(tx: Tx, workspace_id: int, action_kind: str, present_kind: str = "") -> None:
    """Raise exceeded where a job's action would make it one HTTP monitor too many."""
    if present_kind not in MONITOR_ACTIONS:
        admit_monitors(tx, workspace_id, [action_kind])


def admit_monitors(tx: Tx, workspace_id: int, action_kinds: Iterable[str]) -> None:
    """Raise exceeded where new jobs with such actions would be too many HTTP monitors."""
    more = sum(kind in MONITOR_ACTIONS for kind in action_kinds)
    if not more:
        return
    if plan_in(tx, workspace_id).http_monitors is None:
        return
    workspace = workspaces.get(tx, workspace_id, lock=True)
    if workspace:
        present = jobs.count_monitors(tx, workspace_id)
        admit(plan_of(workspace.plan), "http_monitors", present, more)


def admit_schedule(tx: Tx, workspace_id: int, schedule: Schedule | None, at: datetime) -> None:
    """Raise exceeded where a job would run more often than the plan allows."""
    admit_pace(plan_in(tx, workspace_id), schedule, at)


def admit_pace(plan: Plan, schedule: Schedule | None, at: datetime) -> None:
    """Raise exceeded for a schedule that comes more often than a plan lets a job run."""
    if schedule is None or plan.min_interval_s <= 1:
        return
    due = schedule.next(SLOTS_SEEN, at)
    least_s = min(((b - a).total_seconds() for a, b in pairwise(due)), default=None)
    if least_s is not None and least_s < plan.min_interval_s:
        least = f"{plan.min_interval_s} seconds"
        raise Problem(
            "exceeded",
            f"the plan {plan.name} runs a job every {least} at most; choose a rarer schedule, or "
            "take a larger plan",
            {"min_interval_s": f"{least_s:g} seconds are less than {least}"},
        )
