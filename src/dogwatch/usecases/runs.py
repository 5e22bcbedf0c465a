"""Runs of our own: fired on schedule or by hand, claimed, finished, lost, cancelled."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from dogwatch.core.isolation import Least
from dogwatch.core.masking import hidden
from dogwatch.core.plans import UNLIMITED, Plan
from dogwatch.core.problems import Problem, invalid
from dogwatch.core.result import Outcome, Result
from dogwatch.core.run import (
    ON_TIME,
    LostRun,
    Overlap,
    Policy,
    cancelled,
    due,
    in_turn,
    lost_result,
    overlapped,
    retry_in_s,
)
from dogwatch.core.signals import Queue, Skip, Start
from dogwatch.core.variable import data_fault, text_of
from dogwatch.core.watch import Status
from dogwatch.ids import new_id
from dogwatch.store import flows as flow_rows
from dogwatch.store import jobs, results, runs, tasks, watches, workspaces
from dogwatch.store.flows import FlowRow
from dogwatch.store.jobs import JobRow
from dogwatch.store.runs import CHILD, Run
from dogwatch.store.tasks import EVER, EVERYBODY, NewTask, Share, Task
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases import effects, ending, environments, flows
from dogwatch.usecases.allowances import limited
from dogwatch.usecases.ending import Key, Over, Records, run_key, watch_key
from dogwatch.usecases.flows import MAX_REASON, Steps
from dogwatch.usecases.signals import Change, apply
from dogwatch.usecases.watches import pause
from dogwatch.vault import Vault

LANES = ("script", "http", "probe")
MAX_SLOTS = 1_000
MAX_WAITING = 50
DIED = "its node died"
LEFT = "its node was shut down"
AGAIN = "it was dealt with before the clock was set back"
ORPHANED = "its workflow is gone"


# --- firing -----------------------------------------------------------------------------------


def fire_due(tx: Tx, at: datetime, limit: int = 200) -> int:
    """Make a run, or a ledger line that says why not, for every due slot; return the jobs seen.

    Ends early when jobs have many slots to catch up with: nobody waits for one long transaction,
    and what is due now comes before what was missed.
    """
    found = jobs.due(tx, at - ON_TIME, at, limit)
    records = watches.by_ids(tx, [(job.workspace_id, job.watch_id) for job in found])
    slots = 0
    for seen, job in enumerate(found, 1):
        slots += _fire(tx, job, records[(job.workspace_id, job.watch_id)], at)
        if slots >= MAX_SLOTS:
            return seen
    return len(found)


def _fire(tx: Tx, job: JobRow, record: Record, at: datetime) -> int:
    """Deal with the due slots of one job; return how many there were."""
    schedule = record.watch.plan.schedule
    if record.fault:
        jobs.set_next(tx, *record.key, at + watches.FAULT_PAUSE)
        return 0
    if schedule is None or job.next_at is None or record.watch.status is Status.PAUSED:
        jobs.set_next(tx, *record.key, None)
        return 0
    if job.spent:  # its owner lowered the count
        pause(tx, record, at)
        return 0
    # The slot is kept where the job was put off.
    todo = due(schedule, job.policy, min(job.next_at, record.watch.slot_at or job.next_at), at)
    following = [*(fire.slot_at for fire in todo.fires[1:]), todo.next_at]
    passed = [
        Skip(at, fire.slot_at, next_at, fire.outcome, fire.reason)
        for fire, next_at in zip(todo.fires, following, strict=False)
        if fire.outcome
    ]
    if passed:  # all of them before the first that runs
        record = apply(tx, Change(record, passed, "schedule"), at)
    wanted = [fire.slot_at for fire in todo.fires if not fire.outcome]
    known = runs.outcomes_of(tx, *record.key, wanted)
    for slot_at in wanted:
        if job.spent:
            break
        if known.get(slot_at) is Outcome.MISSED:
            runs.reopen(tx, *record.key, slot_at)
            del known[slot_at]
        why = AGAIN if slot_at in known else _overlapped(job, record)
        record, job = _fire_slot(tx, job, record, slot_at, schedule.after(slot_at), why, at)
    jobs.set_next(tx, *record.key, None if job.spent else todo.next_at)
    return len(todo.fires)


def _fire_slot(
    tx: Tx,
    job: JobRow,
    record: Record,
    slot_at: datetime,
    next_at: datetime | None,
    why: str,
    at: datetime,
) -> tuple[Record, JobRow]:
    """Run a slot, or say `why` not; a line that the slot has already is kept."""
    if why:
        skip = Skip(at, slot_at, next_at, Outcome.SKIPPED, why)
        return apply(tx, Change(record, [skip], "schedule"), at), job
    if job.policy.overlap is Overlap.CANCEL_PREVIOUS:
        record = _cancel_open(tx, record, "the next run is due", at)
    return _queue(tx, job, record, slot_at, next_at, "schedule", "", at)


def _overlapped(job: JobRow, record: Record) -> str:
    """Say why a run may not begin now; runs that pings tell of are no runs of ours."""
    waiting = _waiting(record)
    ours = sum(run.queued_at is not None for run in record.watch.open)
    return overlapped(job.policy, waiting, ours - waiting)


def _waiting(record: Record) -> int:
    return sum(run.started_at is None for run in record.watch.open)


def _queue(
    tx: Tx,
    job: JobRow,
    record: Record,
    slot_at: datetime | None,
    next_at: datetime | None,
    trigger: str,
    given: str,
    at: datetime,
) -> tuple[Record, JobRow]:
    """Queue a run; behind the last one that the job may have, nothing more is due."""
    run_id = new_id(at)
    job = replace(job, run_count=job.run_count + 1)
    jobs.count_run(tx, *record.key)
    queue = Queue(at, run_id, slot_at, None if job.spent else next_at)
    record = apply(tx, Change(record, [queue], trigger, given), at)
    ordering = f"run:{record.id}" if in_turn(job.policy) else None
    task = NewTask(
        record.workspace_id, job.action_kind, run_id, record.id, at, ordering, job.policy.priority,
        *job.concurrency,
    )  # fmt: skip
    tasks.add_many(tx, [task])
    return record, job


def trigger(tx: Tx, record: Record, given: str, at: datetime, by: str = "manual") -> Run:
    """Queue a run that has no slot, now, by hand or by something else. The watch is locked.

    Its overlap rule holds: what would skip a slot is a conflict here.
    """
    job = jobs.by_watch(tx, *record.key)
    if job is None:
        raise Problem("invalid", f"{record.slug} is watched only; there is nothing to run")
    if fault := data_fault(given):
        raise invalid("input", fault)
    if job.spent:
        raise Problem("conflict", f"it has had its {job.run_count} runs; reset its count")
    if why := _overlapped(job, record):
        raise Problem("conflict", f"{why}; overlap is {job.policy.overlap}")
    if _waiting(record) >= MAX_WAITING:
        raise Problem("limited", f"{MAX_WAITING} runs of {record.slug} wait already")
    if job.policy.overlap is Overlap.CANCEL_PREVIOUS:
        record = _cancel_open(tx, record, "another run was started", at)
    before = {run.id for run in record.watch.open}
    record, _ = _queue(tx, job, record, None, record.watch.slot_at, by, given, at)
    made = next(run.id for run in record.watch.open if run.id not in before)
    run = runs.by_id(tx, record.workspace_id, made)
    if run is None:
        raise LookupError(made)
    return run


# --- working ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Work:
    """A claimed run with all that a runner needs; of its output the plan may keep less.

    `least_isolation` is what the workspace demands for scripts.
    """

    task: Task
    run: Run
    slug: str
    action_kind: str
    action: Mapping[str, Any]
    most_output_bytes: int | None = None
    least_isolation: Least = "trusted"

    @property
    def given(self) -> str:
        """The input of the run: its own, else that of its job."""
        asked = self.action.get("input")
        return self.run.input or ("" if asked is None else text_of(asked))

    @property
    def handed_secrets(self) -> list[str]:
        """The secret values that an earlier script handed on to this one."""
        run = self.run
        return [] if run.input_masked is None else hidden(run.input, run.input_masked)


@dataclass(frozen=True, slots=True)
class Ended:
    """A claimed run and how it ended; `jitter` in 0..1 spreads the next attempt."""

    work: Work
    result: Result
    jitter: float = 0.0


@dataclass(frozen=True, slots=True)
class _Known:
    """What surrounds runs: their jobs, the steps of those that are nodes of workflows, and the
    watches that are told of them, locked."""

    records: Records
    jobs: Mapping[Key, JobRow]
    steps: Steps
    envs: Mapping[Key, bytes] = field(default_factory=dict)

    def policy(self, run: Run) -> Policy | None:
        """Return the run rules of a run, as its node has them where it is one."""
        job = self.jobs.get(watch_key(run))
        step = self.steps.get(run_key(run))
        return flows.policy_of(job.policy, step[0] if step else None) if job else None

    def tells(self, run: Run) -> bool:
        """Whether there still is who is told of a run."""
        return run.trigger == CHILD or watch_key(run) in self.records


def _known(tx: Tx, some: Sequence[Run]) -> _Known:
    steps = flows.steps_of(tx, some)
    records = watches.by_ids(tx, flows.locks(some, steps))
    return _Known(records, jobs.by_watches(tx, {watch_key(run) for run in some}), steps)


def claim(
    tx: Tx,
    lane: str,
    node_id: str,
    at: datetime,
    limit: int,
    vault: Vault,
    since_at: datetime = EVER,
) -> list[Work]:
    """Take runs that are due (since then) and mark them started, in one transaction."""
    plans, demanding = limited(tx), workspaces.demanding(tx)
    taken = _take(tx, lane, node_id, at, limit, since_at, plans)
    found = runs.by_keys(tx, [(task.workspace_id, task.ref_id) for task in taken])
    waiting = {key: run for key, run in found.items() if run.state != "done"}
    known = _known(tx, list(waiting.values()))
    known = replace(known, envs=environments.of_runs(tx, ending.by_hand(waiting.values())))
    slugs = _slugs(tx, waiting.values(), known)
    void, over, begun = [], [], []
    for task in taken:
        run = waiting.get((task.workspace_id, task.ref_id))
        if run is None or watch_key(run) not in known.jobs or watch_key(run) not in slugs:
            void.append(task)
        elif isinstance(work := _opened(task, run, slugs[watch_key(run)], known, vault), Work):
            plan = plans.get(task.workspace_id, UNLIMITED)
            least = demanding.get(task.workspace_id, "trusted")
            begun.append(replace(work, most_output_bytes=plan.output_bytes, least_isolation=least))
        else:
            over.append(Over(run, work, task))
    tasks.done_many(tx, [*void, *(one.task for one in over if one.task)])
    records = _settle(tx, over, known, at)
    _start(tx, begun, records, at)
    return begun


def _slugs(tx: Tx, waiting: Iterable[Run], known: _Known) -> Mapping[Key, str]:
    """Return the slugs of the jobs of runs; the watch of a node's job is looked at alone."""
    records = known.records
    others = {watch_key(run) for run in waiting} - records.keys()
    if others:
        records = {**records, **watches.seen(tx, others)}
    return {key: record.slug for key, record in records.items()}


def _start(tx: Tx, begun: Sequence[Work], records: Records, at: datetime) -> None:
    """Note that runs began."""
    own = [work.run for work in begun if work.run.trigger != CHILD]
    ending.tell(tx, [(run, Start(at, run.id)) for run in own], records, at)
    runs.start_children(tx, [run_key(w.run) for w in begun if w.run.trigger == CHILD], at)
    for work in begun:
        if work.task.attempt > 1:  # the signal of another start is old news to the watch
            _note_attempt(tx, work.task, state="running")
            results.drop(tx, work.run.workspace_id, work.run.id)


def _take(
    tx: Tx,
    lane: str,
    node_id: str,
    at: datetime,
    limit: int,
    since_at: datetime,
    plans: Mapping[int, Plan],
) -> Sequence[Task]:
    """Take tasks, of a workspace with a plan no more than it lets run at once."""
    own = {key: plan.concurrent_runs for key, plan in plans.items() if plan.concurrent_runs}
    if not own:
        return tasks.claim(tx, lane, node_id, at, limit, since_at)
    held = tasks.going(tx, LANES, own)
    return tasks.claim_shared(
        tx, lane, node_id, at, limit, EVERYBODY, Share(sys.maxsize, held, own)
    )


def _opened(task: Task, run: Run, slug: str, known: _Known, vault: Vault) -> Work | Result:
    """Return what there is to do for a run, or how it ends without having begun."""
    step = known.steps.get(run_key(run))
    if run.cancel_reason or (run.trigger == CHILD and step is None):
        return cancelled(run.cancel_reason or ORPHANED)
    job = known.jobs[watch_key(run)]
    try:
        own = environments.opened(vault, run_key(run), known.envs)
        action = environments.added(action_of(vault, job), own)
    except Problem as problem:  # one job that cannot be read must not hold up the others
        return Result(Outcome.FAIL, problem.message)
    if step and step[0].timeout_s:
        action["timeout_s"] = step[0].timeout_s
    return Work(task, run, slug, job.action_kind, action)


def finish(tx: Tx, ended: Sequence[Ended], at: datetime) -> list[bool]:
    """Write outcomes, or queue the next attempts; False for each run that is no longer ours.

    What follows the end of a workflow's node, or of the whole, is written with it.
    """
    known = _known(tx, [one.work.run for one in ended])
    ours: set[int] = set()
    over = []
    for one in ended:
        task, run, policy = one.work.task, one.work.run, known.policy(one.work.run)
        wait_s = retry_in_s(policy, task.attempt, one.result, one.jitter) if policy else None
        if wait_s is None or _stopping(tx, run, known):
            over.append(Over(run, one.result, task))
            continue
        reason = f"attempt {task.attempt}: {one.result.reason}"
        if _queue_again(tx, task, at + timedelta(seconds=wait_s), reason):
            ours.add(task.id)
    ours |= _end(tx, over, known, at)
    return [one.work.task.id in ours for one in ended]


def _stopping(tx: Tx, run: Run, known: _Known) -> bool:
    """Whether a node's workflow is being stopped: then it is not tried again."""
    return run_key(run) in known.steps and bool(runs.cancel_asked(tx, [run_key(run)]))


def _end(tx: Tx, over: Sequence[Over], known: _Known, at: datetime) -> set[int]:
    """Give runs that are still ours their outcome; return the ids of their tasks."""
    ours = tasks.done_many(tx, [one.task for one in over if one.task])
    kept = [one for one in over if one.task and one.task.id in ours and known.tells(one.run)]
    _settle(tx, kept, known, at)
    return ours


def _settle(tx: Tx, over: Sequence[Over], known: _Known, at: datetime) -> Records:
    """Write how runs ended, and all that follows; return the watches afterwards."""
    own = [one for one in over if one.run.trigger != CHILD]
    nodes = [one for one in over if one.run.trigger == CHILD]
    records = ending.settle(tx, own, known.records, at)
    whole = flows.settle(tx, nodes, known.steps, records, at)
    effects.note(tx, [*own, *whole], known.jobs, at)
    return records


def _queue_again(tx: Tx, task: Task, run_at: datetime, reason: str) -> bool:
    if not tasks.again(tx, task, run_at):
        return False
    _note_attempt(tx, task, state="queued", reason=reason, retry_at=run_at)
    return True


def _note_attempt(tx: Tx, task: Task, **changes: Any) -> None:
    runs.set_attempt(tx, task.workspace_id, task.ref_id, task.attempt, **changes)


# --- losing -----------------------------------------------------------------------------------


def lost(tx: Tx, dead: set[str], at: datetime, limit: int = 200) -> int:
    """Take the tasks of dead nodes from them; runs follow their policy, deliveries are re-sent."""
    held = tasks.held_by(tx, dead, limit)
    for task in held:
        if task.lane in LANES:
            _lose(tx, task, at)
        else:
            tasks.again(tx, task, at, attempt=max(task.attempt - 1, 0))
    return len(held)


def _lose(tx: Tx, task: Task, at: datetime) -> None:
    run = runs.by_id(tx, task.workspace_id, task.ref_id)
    known = _known(tx, [run] if run else [])
    policy = known.policy(run) if run else None
    if run is None or policy is None:
        tasks.done(tx, task)
    elif policy.lost_run is LostRun.RERUN and task.attempt < _most_attempts(policy):
        _queue_again(tx, task, at, DIED)
    else:
        _end(tx, [Over(run, lost_result(policy, DIED), task)], known, at)


def _most_attempts(policy: Policy) -> int:
    """A run that kills its node each time is given up after its attempts, at least three."""
    return max(policy.max_attempts, 3)


def give_back(tx: Tx, work: Work, at: datetime) -> bool:
    """Give an unfinished run back at shutdown: rerun elsewhere or end it, as its policy says."""
    job = jobs.by_watch(tx, *watch_key(work.run))
    policy = job.policy if job else Policy()
    if policy.lost_run is LostRun.RERUN:
        return _queue_again(tx, work.task, at, LEFT)
    return finish(tx, [Ended(work, lost_result(policy, LEFT))], at)[0]


# --- cancelling -------------------------------------------------------------------------------


def cancel(tx: Tx, workspace_id: int, run_id: str, reason: str, at: datetime) -> Run:
    """Cancel a run: at once if it waits, else its node is asked to stop it.

    That of a workflow stops what runs of it, and passes over the rest.
    """
    known = _known(tx, [find(tx, workspace_id, run_id)])
    run = find(tx, workspace_id, run_id)
    (record,) = known.records.values() or (None,)
    if run.state == "done" or record is None:
        raise Problem("conflict", "the run has ended already")
    if run.trigger == CHILD:
        _cancel_nodes(tx, [run], known, reason[:MAX_REASON], at)
    else:
        _cancel(tx, record, [run_id], reason[:MAX_REASON], at)
    return find(tx, workspace_id, run_id)


def _cancel_open(tx: Tx, record: Record, reason: str, at: datetime) -> Record:
    return _cancel(tx, record, [run.id for run in record.watch.open], reason, at)


def _cancel(tx: Tx, record: Record, run_ids: Sequence[str], reason: str, at: datetime) -> Record:
    runs.ask_cancel(tx, record.workspace_id, run_ids, reason)
    tx.wake("cancel")
    going = _begun_flows(tx, record, run_ids)
    flows.cancel(tx, going, reason, {record.key: record}, at)
    if going:
        record = watches.by_ids(tx, [record.key])[record.key]
    alone = set(run_ids) - {flow.run_id for flow in going}
    for task in tasks.by_refs(tx, record.workspace_id, (*LANES, flows.LANE), alone):
        if task.node_id is None and tasks.done(tx, task):
            run = find(tx, record.workspace_id, task.ref_id)
            over = [Over(run, cancelled(reason), task)]
            record = ending.settle(tx, over, {record.key: record}, at)[record.key]
    return record


def _begun_flows(tx: Tx, record: Record, run_ids: Sequence[str]) -> list[FlowRow]:
    if not record.workflow:
        return []
    rows = flow_rows.by_runs(tx, [(record.workspace_id, run_id) for run_id in run_ids])
    return [row for row in rows.values() if row.begun_at and not row.ended_at]


def _cancel_nodes(tx: Tx, some: Sequence[Run], known: _Known, reason: str, at: datetime) -> None:
    """Stop nodes of a workflow, which goes on as its edges say."""
    workspace_id, ids = some[0].workspace_id, [run.id for run in some]
    runs.ask_cancel(tx, workspace_id, ids, reason)
    tx.wake("cancel")
    waiting = {run.id: run for run in some}
    over = [
        Over(waiting[task.ref_id], cancelled(reason), task)
        for task in tasks.by_refs(tx, workspace_id, LANES, ids)
        if task.node_id is None and tasks.done(tx, task)
    ]
    _settle(tx, over, known, at)


def find(tx: Tx, workspace_id: int, run_id: str) -> Run:
    """Return a run or raise not_found."""
    run = runs.by_id(tx, workspace_id, run_id)
    if run is None:
        raise Problem("not_found", f"there is no run {run_id!r}")
    return run


# --- the action -------------------------------------------------------------------------------


def seal_action(vault: Vault, workspace_id: int, watch_id: str, action: Mapping[str, Any]) -> bytes:
    """Encrypt an action: headers, bodies and environment may hold secrets."""
    return vault.seal(json.dumps(action).encode(), context(workspace_id, watch_id))


def action_of(vault: Vault, job: JobRow) -> dict[str, Any]:
    """Decrypt the action of a job."""
    sealed = vault.open(job.action, context(job.workspace_id, job.watch_id))
    action: dict[str, Any] = json.loads(sealed)
    return action


def context(workspace_id: int, watch_id: str) -> str:
    """Return the identity of a job's row, which its sealed action belongs to."""
    return f"job:{workspace_id}:{watch_id}"
