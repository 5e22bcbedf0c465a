"""Runs of workflows, and the steps in them: what became of each node."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, tuple_, update

from dogwatch.core.result import Outcome
from dogwatch.store.tables import runs, workflow_runs, workflow_steps
from dogwatch.store.tx import Tx

Key = tuple[int, str]


@dataclass(frozen=True, slots=True)
class FlowRow:
    """A run of the workflow `watch_id` at one of its versions.

    `stop_outcome` is set once it is to stop: how it ends as soon as nothing is under way.
    """

    workspace_id: int
    run_id: str
    watch_id: str
    version: int
    begun_at: datetime | None = None
    ended_at: datetime | None = None
    stop_outcome: Outcome | None = None
    stop_reason: str | None = None
    rerun_of: str | None = None
    rerun_from: str | None = None

    @property
    def key(self) -> Key:
        """The primary key."""
        return self.workspace_id, self.run_id


@dataclass(frozen=True, slots=True)
class StepRow:
    """A node in a run of a workflow; `child_id` is the run of its job, `outcome` once it is done.

    `retries` and `timeout_s` replace those of the job.
    """

    workspace_id: int
    run_id: str
    node: str
    child_id: str | None
    outcome: Outcome | None = None
    reason: str = ""
    condition: bool = False
    handled: bool = False
    retries: int | None = None
    timeout_s: float | None = None


def add(tx: Tx, flow: FlowRow) -> None:
    """Insert the run of a workflow, beside its row among the runs."""
    tx.conn.execute(insert(workflow_runs).values(_values(flow)))


def begin(tx: Tx, flow: FlowRow) -> None:
    """Note that a run began, which has its row already."""
    change = update(workflow_runs).where(*_of(flow.key))
    tx.conn.execute(change.values(begun_at=flow.begun_at, version=flow.version))


def stop(tx: Tx, flow: FlowRow) -> None:
    """Note that a run is to stop, and how it ends then."""
    change = update(workflow_runs).where(*_of(flow.key))
    outcome = str(flow.stop_outcome) if flow.stop_outcome else None
    tx.conn.execute(change.values(stop_outcome=outcome, stop_reason=flow.stop_reason))


def end(tx: Tx, keys: Collection[Key], at: datetime) -> None:
    """Note that runs are over."""
    if keys:
        tx.conn.execute(_END, {"keys": list(keys), "at": at})


def by_runs(tx: Tx, keys: Collection[Key]) -> dict[Key, FlowRow]:
    """Return those of these (workspace id, run id) that are runs of workflows."""
    rows = tx.conn.execute(_BY_RUNS, {"keys": list(keys)}) if keys else ()
    return {(row.workspace_id, row.run_id): _flow(row) for row in rows}


def under_way(tx: Tx) -> Sequence[FlowRow]:
    """Return every run that has begun and is not over, over all workspaces."""
    going = workflow_runs.c.begun_at.is_not(None), workflow_runs.c.ended_at.is_(None)
    return [_flow(row) for row in tx.conn.execute(select(workflow_runs).where(*going))]


_RUN_KEY = tuple_(workflow_runs.c.workspace_id, workflow_runs.c.run_id)
_BY_RUNS = select(workflow_runs).where(_RUN_KEY.in_(bindparam("keys", expanding=True)))
_END = (
    update(workflow_runs)
    .where(_RUN_KEY.in_(bindparam("keys", expanding=True)))
    .values(ended_at=bindparam("at"))
)


def steps(tx: Tx, keys: Collection[Key]) -> dict[Key, dict[str, StepRow]]:
    """Return the steps of these runs, by node."""
    found: dict[Key, dict[str, StepRow]] = {key: {} for key in keys}
    rows = tx.conn.execute(_STEPS, {"keys": list(keys)}) if keys else ()
    for row in rows:
        found[row.workspace_id, row.run_id][row.node] = _step(row)
    return found


def of_children(tx: Tx, keys: Collection[Key]) -> dict[Key, tuple[StepRow, FlowRow]]:
    """Return the steps of those of these (workspace id, run id) that are nodes, by child."""
    rows = tx.conn.execute(_OF_CHILDREN, {"keys": list(keys)}) if keys else ()
    own = [_step(row) for row in rows]
    flows = by_runs(tx, {(step.workspace_id, step.run_id) for step in own})
    return {
        (step.workspace_id, step.child_id): (step, flows[step.workspace_id, step.run_id])
        for step in own
        if step.child_id and (step.workspace_id, step.run_id) in flows
    }


_STEPS = select(workflow_steps).where(
    tuple_(workflow_steps.c.workspace_id, workflow_steps.c.run_id).in_(
        bindparam("keys", expanding=True)
    )
)
_OF_CHILDREN = select(workflow_steps).where(
    tuple_(workflow_steps.c.workspace_id, workflow_steps.c.child_id).in_(
        bindparam("keys", expanding=True)
    )
)


def save_steps(tx: Tx, new: Sequence[StepRow], ended: Sequence[StepRow]) -> None:
    """Insert steps, and give others their end."""
    if new:
        tx.conn.execute(insert(workflow_steps), [_values(step) for step in new])
    if ended:
        rows = [{f"of_{name}": value for name, value in _values(one).items()} for one in ended]
        tx.conn.execute(_END_STEP, rows)


_END_STEP = (
    update(workflow_steps)
    .where(
        *(
            workflow_steps.c[name] == bindparam(f"of_{name}")
            for name in ("workspace_id", "run_id", "node")
        )
    )
    .values(
        {
            name: bindparam(f"of_{name}")
            for name in ("child_id", "outcome", "reason", "condition", "handled")
        }
    )
)


def cancel_children(tx: Tx, workspace_id: int, watch_id: str, reason: str) -> None:
    """Ask the runs of nodes of a workflow that goes away to stop."""
    mine = select(workflow_runs.c.run_id).where(
        workflow_runs.c.workspace_id == workspace_id,
        workflow_runs.c.watch_id == watch_id,
        workflow_runs.c.ended_at.is_(None),
    )
    open_children = (
        runs.c.workspace_id == workspace_id, runs.c.parent_id.in_(mine), runs.c.state != "done",
    )  # fmt: skip
    tx.conn.execute(update(runs).where(*open_children).values(cancel_reason=reason))
    tx.wake("cancel")


def _of(key: Key) -> tuple[Any, Any]:
    return workflow_runs.c.workspace_id == key[0], workflow_runs.c.run_id == key[1]


def _values(row: FlowRow | StepRow) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in type(row).__slots__}
    return {name: str(v) if isinstance(v, Outcome) else v for name, v in values.items()}


def _flow(row: Row[Any]) -> FlowRow:
    values = dict(row._mapping)
    values["stop_outcome"] = Outcome(row.stop_outcome) if row.stop_outcome else None
    return FlowRow(**values)


def _step(row: Row[Any]) -> StepRow:
    values = dict(row._mapping)
    values["outcome"] = Outcome(row.outcome) if row.outcome else None
    return StepRow(**values)
