"""Runs of workflows: begun, moved on from node to node, stopped and ended.

What follows from the end of a node is written in the transaction that ends it. The watch of the
workflow is locked by whoever moves its runs on; the watches of its jobs are not touched.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from dogwatch.core.problems import Problem
from dogwatch.core.result import BAD, GOOD, Outcome, Result
from dogwatch.core.run import Policy, cancelled
from dogwatch.core.signals import Start
from dogwatch.core.variable import data_fault
from dogwatch.core.workflow.definition import Definition, from_json
from dogwatch.core.workflow.passing import input_of
from dogwatch.core.workflow.progress import End, Moves, State, advance, handled, stop
from dogwatch.ids import new_id
from dogwatch.store import flows, jobs, results, runs, tasks, watches, workflows
from dogwatch.store.flows import FlowRow, StepRow
from dogwatch.store.jobs import JobRow
from dogwatch.store.results import Handed
from dogwatch.store.runs import CHILD, Child, Run
from dogwatch.store.tasks import NewTask
from dogwatch.store.tx import Tx
from dogwatch.usecases import ending
from dogwatch.usecases.ending import Key, Over, Records, run_key, watch_key

LANE = "workflow"
# A run of a workflow is looked at so often, whatever happens: what should move it on may be gone.
LOOK_AGAIN = timedelta(seconds=60)
GONE = "its job is gone"
MAX_REASON = 255

Steps = Mapping[Key, tuple[StepRow, FlowRow]]
Outputs = Mapping[Key, Handed]
JobRows = Mapping[Key, JobRow]


@dataclass(slots=True)
class _Flow:
    """A run of a workflow while it is moved on: its steps, and what is to be written of it."""

    row: FlowRow
    run: Run
    definition: Definition
    steps: dict[str, StepRow]
    new: dict[str, StepRow] = field(default_factory=dict)
    ended: dict[str, StepRow] = field(default_factory=dict)
    children: list[Child] = field(default_factory=list)
    tasks: list[NewTask] = field(default_factory=list)
    end: End | None = None

    @property
    def states(self) -> dict[str, State]:
        return {key: _state(step) for key, step in self.steps.items()}

    def moves(self) -> Moves:
        """Return what is to be done next."""
        if self.row.stop_outcome:
            end = End(self.row.stop_outcome, self.row.stop_reason or "")
            return stop(self.definition.graph, self.states, end)
        return advance(self.definition.graph, self.states)

    def put(self, step: StepRow) -> None:
        """Note a step, or how it ended."""
        known = step.node in self.steps and step.node not in self.new
        (self.ended if known else self.new)[step.node] = step
        self.steps[step.node] = step

    def close(self, step: StepRow, result: Result, *, condition: bool) -> None:
        """Note how a node ended, and whether an edge on failure takes that."""
        step = replace(step, outcome=result.outcome, reason=result.reason, condition=condition)
        taken = handled(self.definition.graph, step.node, _state(step))
        self.put(replace(step, handled=taken))

    def pass_over(self, node: str, why: str) -> None:
        """Note that a node is not run."""
        self.put(StepRow(*self.row.key, node, None, Outcome.SKIPPED, why))

    def fail(self, node: str, why: str) -> None:
        """Note that a node cannot be run."""
        self.close(StepRow(*self.row.key, node, None), Result(Outcome.FAIL, why), condition=False)

    def start(self, node: str, job: JobRow, given: str, masked: str | None, at: datetime) -> None:
        """Make the run of a node's job; of what it is `given`, people see `masked`, if not all."""
        own, child_id = self.definition.graph.node(node), new_id(at)
        workspace_id = self.row.workspace_id
        self.put(
            StepRow(*self.row.key, node, child_id, retries=own.retries, timeout_s=own.timeout_s)
        )
        depth, parent_id = self.run.depth, self.run.id
        self.children.append(
            Child(workspace_id, child_id, job.watch_id, parent_id, depth, given, at, masked)
        )
        priority = max(job.policy.priority, self.definition.policy.priority)
        self.tasks.append(
            NewTask(
                workspace_id, job.action_kind, child_id, job.watch_id, at, None, priority,
                *job.concurrency,
            )
        )  # fmt: skip


def _state(step: StepRow) -> State:
    passed = step.child_id is None and step.outcome is Outcome.SKIPPED
    return State(step.outcome, not passed, step.condition, step.reason)


# --- nodes as they run ------------------------------------------------------------------------


def steps_of(tx: Tx, some: Iterable[Run]) -> Steps:
    """Return the steps that these runs are, by run; those of no workflow are left out."""
    return flows.of_children(tx, [run_key(run) for run in some if run.trigger == CHILD])


def locks(some: Iterable[Run], steps: Steps) -> set[Key]:
    """Return the watches that are told of these runs: of a node, that of its workflow."""
    keys = set()
    for run in some:
        if run.trigger != CHILD:
            keys.add(watch_key(run))
        elif run_key(run) in steps:
            keys.add((run.workspace_id, steps[run_key(run)][1].watch_id))
    return keys


def policy_of(policy: Policy, step: StepRow | None) -> Policy:
    """Return the run rules of a job, as the node has them that it runs in."""
    if step is None or step.retries is None:
        return policy
    return replace(policy, max_attempts=step.retries + 1)


def settle(
    tx: Tx, over: Sequence[Over], steps: Steps, records: Records, at: datetime
) -> list[Over]:
    """Write how nodes ended, and what follows; return the runs of workflows that ended by it."""
    if not over:
        return []
    ended = {run_key(one.run): one.result for one in over}
    runs.end_children(tx, ended, at)
    runs.set_results(tx, ended)
    handed = results.of_runs(tx, ended.keys())
    own = {key: steps[key] for key in ended if key in steps}
    going = _load(tx, {flow.key for _, flow in own.values()})
    for key, (step, row) in own.items():
        if row.key in going:
            condition = bool(handed[key].condition) if key in handed else False
            going[row.key].close(step, ended[key], condition=condition)
    return _move_on(tx, list(going.values()), records, at)


# --- the whole --------------------------------------------------------------------------------


def conduct(tx: Tx, at: datetime, limit: int = 100) -> tuple[int, list[Over]]:
    """Begin runs of workflows that are due, and look after those that take long.

    Returns how many were looked at, and those that ended by it.
    """
    found = tasks.due(tx, LANE, at, limit)
    if not found:
        return 0, []
    keys = [(task.workspace_id, task.ref_id) for task in found]
    records = watches.by_ids(tx, {watch_key(run) for run in runs.by_keys(tx, keys).values()})
    held = tasks.lock_due(tx, found, at)
    known = runs.by_keys(tx, keys)
    rows = flows.by_runs(tx, known.keys())
    begun, ended = [], []
    for task in held:
        key = task.workspace_id, task.ref_id
        run, row = known.get(key), rows.get(key)
        if run is None or watch_key(run) not in records or (row and row.ended_at):
            tasks.drop_refs(tx, LANE, [key])
        elif row and row.begun_at:
            ended += _look_after(tx, key, records, at)
        elif run.state == "done":  # it was given up while it waited
            tasks.drop_refs(tx, LANE, [key])
        else:
            begun.append((run, row))
    return len(held), ended + _begin(tx, begun, records, at)


def _begin(
    tx: Tx, new: Sequence[tuple[Run, FlowRow | None]], records: Records, at: datetime
) -> list[Over]:
    """Begin runs: at the version they repeat, else at the present one."""
    if not new:
        return []
    present = workflows.by_watches(tx, {watch_key(run) for run, _ in new})
    rows = []
    for run, row in new:
        if row:
            rows.append(replace(row, begun_at=at))
            flows.begin(tx, rows[-1])
        else:
            version = present[watch_key(run)].version
            rows.append(FlowRow(run.workspace_id, run.id, run.watch_id, version, at))
            flows.add(tx, rows[-1])
    records = ending.tell(tx, [(run, Start(at, run.id)) for run, _ in new], records, at)
    going = _load(tx, [row.key for row in rows])
    for flow in going.values():
        _keep(tx, flow)
        _put_off(tx, flow, at)
    return _move_on(tx, list(going.values()), records, at)


def _keep(tx: Tx, flow: _Flow) -> None:
    """Take over from the run that this one repeats what comes before the node it repeats from."""
    row, graph = flow.row, flow.definition.graph
    if row.rerun_of is None or row.rerun_from is None:
        return
    anew = graph.after(row.rerun_from) | {row.rerun_from}
    before = (row.workspace_id, row.rerun_of)
    for step in flows.steps(tx, [before])[before].values():
        if step.node not in anew and step.child_id and step.outcome in GOOD | BAD:
            flow.put(replace(step, run_id=row.run_id))


def _put_off(tx: Tx, flow: _Flow, at: datetime) -> None:
    until_at = (flow.row.begun_at or at) + timedelta(seconds=flow.definition.timeout_s)
    again_at = at + LOOK_AGAIN
    next_at = min(until_at, again_at) if until_at > at else again_at
    tasks.put_off(tx, flow.row.workspace_id, LANE, flow.row.run_id, next_at)


def _look_after(tx: Tx, key: Key, records: Records, at: datetime) -> list[Over]:
    """Stop a run whose time is up, and end nodes whose job went away."""
    going = _load(tx, [key])
    if key not in going:
        tasks.drop_refs(tx, LANE, [key])
        return []
    flow, row = going[key], going[key].row
    _put_off(tx, flow, at)
    _close_lost(tx, flow)
    limit_s = flow.definition.timeout_s
    if not row.stop_outcome and row.begun_at and at >= row.begun_at + timedelta(seconds=limit_s):
        end = End(Outcome.TIMEOUT, f"it took more than {limit_s:g} s")
        return _stop(tx, [flow], end, records, at)
    if row.stop_outcome:
        _cancel_children(tx, flow, row.stop_reason or "", at)
    return _move_on(tx, [flow], records, at)


def _close_lost(tx: Tx, flow: _Flow) -> None:
    """End the nodes whose runs went away with their job."""
    workspace_id = flow.row.workspace_id
    ids = {one.child_id: one for one in flow.steps.values() if one.outcome is None}
    there = runs.by_keys(tx, [(workspace_id, child_id) for child_id in ids if child_id])
    for child_id, step in ids.items():
        if (workspace_id, child_id or "") not in there:
            flow.close(step, Result(Outcome.FAIL, GONE), condition=False)


def cancel(
    tx: Tx, rows: Sequence[FlowRow], reason: str, records: Records, at: datetime
) -> list[Over]:
    """Stop runs that have begun: what runs is asked to end, the rest is passed over."""
    going = _load(tx, [row.key for row in rows])
    return _stop(tx, list(going.values()), End(Outcome.SKIPPED, reason), records, at)


def give_up(tx: Tx, reason: str, at: datetime) -> None:
    """End all runs that are under way as unknown, and their open nodes; nothing follows."""
    rows = flows.under_way(tx)
    records = watches.by_ids(tx, {(row.workspace_id, row.watch_id) for row in rows})
    going = list(_load(tx, [row.key for row in rows]).values())
    for flow in going:
        for step in [one for one in flow.steps.values() if one.outcome is None]:
            flow.close(step, Result(Outcome.UNKNOWN, reason), condition=False)
    _stop(tx, going, End(Outcome.UNKNOWN, reason), records, at)


def _stop(tx: Tx, some: Sequence[_Flow], end: End, records: Records, at: datetime) -> list[Over]:
    reason = end.reason[:MAX_REASON]
    for flow in some:
        flow.row = replace(flow.row, stop_outcome=end.outcome, stop_reason=reason)
        flows.stop(tx, flow.row)
        _cancel_children(tx, flow, reason, at)
    return _move_on(tx, some, records, at)


def _cancel_children(tx: Tx, flow: _Flow, reason: str, at: datetime) -> None:
    """Ask what runs to stop; what waits is over at once."""
    workspace_id = flow.row.workspace_id
    going = {one.child_id: one for one in flow.steps.values() if one.outcome is None}
    ids = [child_id for child_id in going if child_id]
    if not ids:
        return
    runs.ask_cancel(tx, workspace_id, ids, reason)
    tx.wake("cancel")
    gone = [
        one
        for one in tasks.of_refs(tx, workspace_id, ids)
        if one.node_id is None and tasks.done(tx, one)
    ]
    runs.end_children(tx, {(workspace_id, one.ref_id): cancelled(reason) for one in gone}, at)
    for task in gone:
        flow.close(going[task.ref_id], cancelled(reason), condition=False)


# --- moving on --------------------------------------------------------------------------------


def _load(tx: Tx, keys: Collection[Key]) -> dict[Key, _Flow]:
    """Return runs that have begun and are not over; their watches are locked."""
    own = {key: row for key, row in flows.by_runs(tx, keys).items() if not row.ended_at}
    if not own:
        return {}
    known = runs.by_keys(tx, own.keys())
    steps = flows.steps(tx, own.keys())
    saved = workflows.versions(tx, {_version_key(row) for row in own.values()})
    return {
        key: _Flow(row, known[key], from_json(saved[_version_key(row)].definition), steps[key])
        for key, row in own.items()
        if key in known and _version_key(row) in saved
    }


def _version_key(row: FlowRow) -> tuple[int, str, int]:
    return row.workspace_id, row.watch_id, row.version


def _move_on(tx: Tx, some: Sequence[_Flow], records: Records, at: datetime) -> list[Over]:
    """Do what follows until nothing more does, write it, and end what is at its end."""
    todo = some
    while todo:
        todo = _take_steps(tx, [(flow, flow.moves()) for flow in todo], at)
    flows.save_steps(
        tx,
        [step for flow in some for step in flow.new.values()],
        [step for flow in some for step in flow.ended.values()],
    )
    runs.add_children(tx, [child for flow in some for child in flow.children])
    tasks.add_many(tx, [task for flow in some for task in flow.tasks])
    return _end(tx, [flow for flow in some if flow.end], records, at)


def _take_steps(tx: Tx, moves: Sequence[tuple[_Flow, Moves]], at: datetime) -> list[_Flow]:
    """Start and pass over nodes; return the runs in which one failed at once."""
    outputs = _outputs(tx, [flow for flow, move in moves if move.start])
    known = _jobs(tx, moves)
    again = []
    for flow, move in moves:
        flow.end = move.end
        for node, why in move.skip.items():
            flow.pass_over(node, why)
        started = [_start(tx, flow, node, known, outputs, at) for node in move.start]
        if not all(started):
            again.append(flow)
    return again


def _start(tx: Tx, flow: _Flow, node: str, known: JobRows, outputs: Outputs, at: datetime) -> bool:
    """Start a node; False if it cannot be."""
    job = known.get((flow.row.workspace_id, flow.definition.graph.node(node).job))
    if job is None:
        flow.fail(node, GONE)
        return False
    given, masked = _given(tx, flow, node, outputs)
    if fault := data_fault(given):
        flow.fail(node, f"its input: {fault}")
        return False
    flow.start(node, job, given, masked, at)
    return True


def _given(tx: Tx, flow: _Flow, node: str, outputs: Outputs) -> tuple[str, str | None]:
    """Return the input of a node, and what people see of it where that is not all: the saved one,
    where the run is repeated from there."""
    row = flow.row
    if row.rerun_of and node == row.rerun_from:
        key = row.workspace_id, row.rerun_of
        saved = flows.steps(tx, [key])[key].get(node)
        run = runs.by_id(tx, row.workspace_id, saved.child_id) if saved and saved.child_id else None
        if run:
            return run.input, run.input_masked
    handed = {
        step.node: outputs[row.workspace_id, step.child_id]
        for step in flow.steps.values()
        if step.child_id and (row.workspace_id, step.child_id) in outputs
    }
    graph, states = flow.definition.graph, flow.states
    said = {key: one.output or "" for key, one in handed.items()}
    given = input_of(graph, node, states, said, flow.run.input)
    said = {key: one.shown or "" for key, one in handed.items()}
    shown = input_of(graph, node, states, said, flow.run.shown_input)
    return given, None if shown == given else shown


def _outputs(tx: Tx, some: Sequence[_Flow]) -> Outputs:
    """Return what the nodes of these have handed on, by child, where that is an output."""
    keys = [
        (flow.row.workspace_id, step.child_id)
        for flow in some
        for step in flow.steps.values()
        if step.child_id and step.outcome in GOOD
    ]
    found = results.of_runs(tx, keys)
    return {key: one for key, one in found.items() if one.output is not None}


def _jobs(tx: Tx, moves: Sequence[tuple[_Flow, Moves]]) -> JobRows:
    keys = {
        (flow.row.workspace_id, flow.definition.graph.node(node).job)
        for flow, move in moves
        for node in move.start
    }
    return jobs.by_watches(tx, keys)


def _end(tx: Tx, ended: Sequence[_Flow], records: Records, at: datetime) -> list[Over]:
    """End runs of workflows: their watches are told, their tasks go."""
    if not ended:
        return []
    keys = [flow.row.key for flow in ended]
    flows.end(tx, keys, at)
    tasks.drop_refs(tx, LANE, keys)
    over = [Over(flow.run, Result(flow.end.outcome, flow.end.reason)) for flow in ended if flow.end]
    ending.settle(tx, over, records, at)
    return over


# --- looking ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """What became of a node; `outcome` None while it is under way, `run` where it was run.

    `handled`: it failed, and an edge on failure took that.
    """

    node: str
    outcome: Outcome | None
    reason: str
    handled: bool
    condition: bool
    run: Run | None


@dataclass(frozen=True, slots=True)
class Tree:
    """A run of a workflow at its version, with the steps that were decided, by node."""

    run: Run
    version: int
    definition: Definition
    steps: Mapping[str, Step]
    rerun_of: str | None = None
    rerun_from: str | None = None


def tree(tx: Tx, workspace_id: int, run_id: str) -> Tree:
    """Return a run of a workflow, or raise not_found; one that waits has no steps yet."""
    run = runs.by_id(tx, workspace_id, run_id)
    own = workflows.by_watch(tx, workspace_id, run.watch_id) if run else None
    if run is None or own is None:
        raise Problem("not_found", f"there is no run {run_id!r} of a workflow")
    return trees(tx, [run])[run.id]


def trees(tx: Tx, some: Collection[Run]) -> dict[str, Tree]:
    """Return the trees of runs of workflows of one workspace, by run id."""
    keys = [run_key(run) for run in some]
    rows, steps = flows.by_runs(tx, keys), flows.steps(tx, keys)
    present = workflows.by_watches(tx, {watch_key(run) for run in some})
    rows |= {
        run_key(run): FlowRow(*run_key(run), run.watch_id, present[watch_key(run)].version)
        for run in some
        if run_key(run) not in rows
    }
    saved = workflows.versions(tx, {_version_key(row) for row in rows.values()})
    ids = {(k[0], s.child_id) for k, own in steps.items() for s in own.values() if s.child_id}
    children = runs.by_keys(tx, ids)
    made = {}
    for run in some:
        row = rows[run_key(run)]
        made[run.id] = Tree(
            run,
            row.version,
            from_json(saved[_version_key(row)].definition),
            {node: _step(one, children) for node, one in steps[run_key(run)].items()},
            row.rerun_of,
            row.rerun_from,
        )
    return made


def _step(row: StepRow, children: Mapping[Key, Run]) -> Step:
    child = children.get((row.workspace_id, row.child_id or ""))
    return Step(row.node, row.outcome, row.reason, row.handled, row.condition, child)
