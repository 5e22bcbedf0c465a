"""What is shown of the runs of workflows."""

from collections.abc import Mapping
from typing import Any, Self

from dogwatch.core.result import BAD, GOOD
from dogwatch.usecases.flows import Step, Tree
from dogwatch.usecases.lists import Run
from dogwatch.web.dialect.times import Instant
from dogwatch.web.dialects.cronium.answers import Pagination, Shape
from dogwatch.web.dialects.cronium.wire.actions import TRIGGERS
from dogwatch.web.dialects.cronium.wire.logs import status_of

_PREFIX = "wf_exec_"
_TRIGGERS = {"schedule": "SCHEDULE", "webhook": "WEBHOOK"}


def execution_id(run_id: str) -> str:
    """Return the id of a run as it is shown."""
    return f"{_PREFIX}{run_id}"


def run_id(text: str) -> str:
    """Return our id of a run that is asked for."""
    return text.removeprefix(_PREFIX)[:64]


class Progress(Shape):
    """How far a run is."""

    completed_nodes: int
    total_nodes: int
    current_node: str | None

    @classmethod
    def of(cls, tree: Tree) -> Self:
        """Return how far a run is."""
        done = [step for step in tree.steps.values() if step.outcome is not None]
        going = [node for node, step in tree.steps.items() if step.outcome is None]
        return cls(
            completed_nodes=len(done),
            total_nodes=len(tree.definition.graph.nodes),
            current_node=going[0] if going else None,
        )


class StartedOut(Shape):
    """A run of a workflow that was just started."""

    id: str
    workflow_id: int
    status: str
    started_at: Instant
    input: Any
    progress: Progress


class OneStarted(Shape):
    """A run of a workflow that was just started."""

    execution: StartedOut


class ExecutionData(Shape):
    """What a run was given."""

    input_data: Any


class NodeRun(Shape):
    """What became of a node in one run; nodes that were not run are absent."""

    event_id: int | None
    node_id: str
    sequence_order: int
    status: str
    started_at: Instant | None
    completed_at: Instant | None
    duration: int | None
    output: str
    error_message: str | None
    connection_type: str | None


class WorkflowRun(Shape):
    """A run of a workflow."""

    id: str
    workflow_id: int
    user_id: str
    status: str
    trigger_type: str
    started_at: Instant | None
    completed_at: Instant | None
    total_duration: int | None
    total_events: int
    successful_events: int
    failed_events: int
    execution_data: ExecutionData
    progress: Progress


class WorkflowRunWhole(WorkflowRun):
    """A run of a workflow with what became of its nodes."""

    events: list[NodeRun]


def run_out(tree: Tree, number: int, given: Any) -> WorkflowRun:
    """Return a run of the workflow with this number."""
    run, ran = tree.run, _ran(tree)
    return WorkflowRun(
        id=execution_id(run.id),
        workflow_id=number,
        user_id=str(run.workspace_id),
        status=status_of(run),
        trigger_type=_TRIGGERS.get(run.trigger, "MANUAL"),
        started_at=run.started_at or run.queued_at,
        completed_at=run.finished_at,
        total_duration=run.duration_ms,
        total_events=len(ran),
        successful_events=sum(step.outcome in GOOD for step, _ in ran),
        failed_events=sum(step.outcome in BAD for step, _ in ran),
        execution_data=ExecutionData(input_data=given),
        progress=Progress.of(tree),
    )


def whole(
    tree: Tree, shown: WorkflowRun, numbers: Mapping[str, int], output: Mapping[str, str]
) -> WorkflowRunWhole:
    """Return a run with what became of its nodes, in the order in which they were started."""
    events = [
        _node(tree, step, run, place, numbers, output)
        for place, (step, run) in enumerate(_ran(tree), 1)
    ]
    return WorkflowRunWhole(**shown.model_dump(), events=events)


def _ran(tree: Tree) -> list[tuple[Step, Run]]:
    ran = [(step, step.run) for step in tree.steps.values() if step.run]
    return sorted(ran, key=lambda one: one[1].id)


def _node(
    tree: Tree,
    step: Step,
    run: Run,
    place: int,
    numbers: Mapping[str, int],
    output: Mapping[str, str],
) -> NodeRun:
    status = status_of(run)
    followed = next(
        (one.on for one in tree.definition.graph.edges if one.target == step.node), None
    )
    return NodeRun(
        event_id=numbers.get(run.watch_id),
        node_id=step.node,
        sequence_order=place,
        status=status,
        started_at=run.started_at,
        completed_at=run.finished_at,
        duration=run.duration_ms,
        output=output.get(run.id, ""),
        error_message=step.reason if status in ("FAILURE", "TIMEOUT") else None,
        connection_type=TRIGGERS[followed] if followed else None,
    )


class OneRun(Shape):
    """A run of a workflow."""

    execution: WorkflowRunWhole


class SomeRuns(Shape):
    """A page of runs of workflows."""

    executions: list[WorkflowRun]
    pagination: Pagination
