"""Many runs at a glance: how those of watches ended, and the ends of what they printed."""

from collections.abc import Collection

from sqlalchemy import func, select

from dogwatch.core.result import Outcome
from dogwatch.store.tables import outputs, runs
from dogwatch.store.tx import Tx


def tallies(tx: Tx, workspace_id: int, watch_ids: Collection[str]) -> dict[str, dict[Outcome, int]]:
    """Return how many runs of each of these watches ended in each outcome."""
    found = (
        select(runs.c.watch_id, runs.c.outcome, func.count())
        .where(runs.c.workspace_id == workspace_id, runs.c.watch_id.in_(list(watch_ids)))
        .where(runs.c.outcome.is_not(None))
        .group_by(runs.c.watch_id, runs.c.outcome)
    )
    counted: dict[str, dict[Outcome, int]] = {watch_id: {} for watch_id in watch_ids}
    for watch_id, outcome, count in tx.conn.execute(found):
        counted[watch_id][Outcome(outcome)] = count
    return counted


def output_tails(
    tx: Tx, workspace_id: int, run_ids: Collection[str], length: int
) -> dict[str, str]:
    """Return the last chunks of the output of each of these runs, `length` characters or more."""
    size = func.length(outputs.c.text)
    behind = func.sum(size).over(partition_by=outputs.c.run_id, order_by=outputs.c.seq.desc())
    ranked = (
        select(outputs.c.run_id, outputs.c.seq, outputs.c.text, (behind - size).label("behind"))
        .where(outputs.c.workspace_id == workspace_id, outputs.c.run_id.in_(list(run_ids)))
        .subquery()
    )
    found = select(ranked).where(ranked.c.behind < length).order_by(ranked.c.run_id, ranked.c.seq)
    tails = dict.fromkeys(run_ids, "")
    for row in tx.conn.execute(found):
        tails[row.run_id] += row.text
    return tails
