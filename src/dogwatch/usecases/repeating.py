"""Runs of workflows once more, at their version: whole, or from a node on."""

from datetime import datetime

from dogwatch.core.problems import Problem, invalid
from dogwatch.store import flows as flow_rows
from dogwatch.store import runs, watches
from dogwatch.store.flows import FlowRow
from dogwatch.store.runs import Run
from dogwatch.store.tx import Tx
from dogwatch.usecases.runs import find, trigger


def rerun(tx: Tx, workspace_id: int, run_id: str, node: str | None, at: datetime) -> Run:
    """Repeat a run of a workflow at its version: whole, or from a node on with its saved input.

    What came before the node, and ended, is taken over; its overlap rule holds.
    """
    before = find(tx, workspace_id, run_id)
    record = watches.by_id(tx, workspace_id, before.watch_id, lock=True)
    key = workspace_id, run_id
    row = flow_rows.by_runs(tx, [key]).get(key)
    if record is None or row is None:
        raise Problem("not_found", f"there is no run {run_id!r} of a workflow that has begun")
    if not row.ended_at:
        raise Problem("conflict", "the run is still going; cancel it, or wait for its end")
    if node is not None:
        _saved(tx, row, node)
    run = trigger(tx, record, before.input, at)
    runs.mask_input(tx, workspace_id, run.id, before.input_masked)
    flow_rows.add(
        tx,
        FlowRow(workspace_id, run.id, record.id, row.version, rerun_of=run_id, rerun_from=node),
    )
    return run


def _saved(tx: Tx, row: FlowRow, node: str) -> None:
    """Raise a Problem unless a node was run, and what it was given is still kept."""
    step = flow_rows.steps(tx, [row.key])[row.key].get(node)
    if step is None:
        raise invalid("node", f"there is no node {node[:64]!r} in that run")
    if step.child_id is None or runs.by_id(tx, row.workspace_id, step.child_id) is None:
        raise invalid("node", f"{node} was not run then, or its run is kept no more")
