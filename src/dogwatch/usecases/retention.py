"""Retention: what is kept, and for how long."""

from collections.abc import Mapping
from datetime import datetime

from dogwatch.core.plans import Plan
from dogwatch.store import retention, spent
from dogwatch.store.retention import Keep, Tally
from dogwatch.store.tx import Tx
from dogwatch.usecases import members, people, put_away, statistics
from dogwatch.usecases.allowances import limited

BATCH = 500

# By table and workspace.
Census = Mapping[tuple[str, int], Tally]


def census(tx: Tx, keep: Mapping[str, Keep], known: Census) -> Census:
    """Return what is too much in each workspace, counting little where much is `known`."""
    return {
        (name, workspace_id): retention.counted(
            tx, name, workspace_id, kept.count, known.get((name, workspace_id))
        )
        for workspace_id in retention.workspace_ids(tx)
        for name, kept in keep.items()
    }


def prune(
    tx: Tx,
    keep: Mapping[str, Keep],
    output_days: int,
    counted: Census,
    at: datetime,
    limit: int = BATCH,
) -> int:
    """Delete a small batch of each table in each workspace; 0 once nothing is too much."""
    plans = limited(tx)
    retention.forget(tx, at)
    spent.prune(tx, at)
    gone = retention.prune_outputs(tx, output_days, at, limit) + statistics.tidy(tx, at)
    gone += put_away.tidy(tx, at, limit) + people.tidy(tx, at, limit) + members.tidy(tx, at, limit)
    gone += sum(_prune_probes(tx, each, plans[each], at, limit) for each in plans)
    return gone + sum(
        retention.prune(
            tx, name, workspace_id, _days(keep[name], plans.get(workspace_id)), tally, at, limit
        )
        for (name, workspace_id), tally in counted.items()
    )


def _prune_probes(tx: Tx, workspace_id: int, plan: Plan, at: datetime, limit: int) -> int:
    """Delete runs of HTTP monitors that a plan keeps no longer; return how many."""
    if plan.probe_history_days is None:
        return 0
    return retention.prune_probes(tx, workspace_id, plan.probe_history_days, at, limit)


def _days(kept: Keep, plan: Plan | None) -> int:
    """Return how many days are kept of a workspace with this plan."""
    if plan is None or plan.history_days is None:
        return kept.days
    return min(kept.days, plan.history_days)
