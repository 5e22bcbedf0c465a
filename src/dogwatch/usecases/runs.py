"""Runs of our own: fired on schedule or by hand, claimed, finished, lost, cancelled."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dogwatch.core.problems import Problem
from dogwatch.core.result import Outcome, Result
from dogwatch.core.run import (
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
from dogwatch.core.signals import Finish, Queue, Skip, Start
from dogwatch.core.watch import Status
from dogwatch.ids import new_id
from dogwatch.store import jobs, runs, tasks, watches
from dogwatch.store.jobs import JobRow
from dogwatch.store.runs import Run
from dogwatch.store.tasks import NewTask, Task
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases.signals import Change, apply
from dogwatch.vault import Vault

LANES = ("script", "http")
MAX_SLOTS = 1_000
MAX_INPUT = 256 * 1024
MAX_REASON = 255


# --- firing -----------------------------------------------------------------------------------


def fire_due(tx: Tx, at: datetime, limit: int = 200) -> int:
    """Make a run, or a ledger line that says why not, for every due slot; return the jobs seen.

    Ends early when jobs have many slots to catch up with: nobody waits for one long transaction.
    """
    found = jobs.due(tx, at, limit)
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
    if schedule is None or job.next_at is None or record.watch.status is Status.PAUSED:
        jobs.set_next(tx, *record.key, None)
        return 0
    todo = due(schedule, job.policy, job.next_at, at)
    passed = [
        Skip(at, fire.slot_at, schedule.after(fire.slot_at), fire.outcome, fire.reason)
        for fire in todo.fires
        if fire.outcome
    ]
    if passed:  # all of them before the first that runs
        record = apply(tx, Change(record, passed, "schedule"), at)
    for fire in todo.fires:
        if not fire.outcome:
            record = _fire_slot(tx, job, record, fire.slot_at, schedule.after(fire.slot_at), at)
    jobs.set_next(tx, *record.key, todo.next_at)
    return len(todo.fires)


def _fire_slot(
    tx: Tx, job: JobRow, record: Record, slot_at: datetime, next_at: datetime | None, at: datetime
) -> Record:
    waiting = sum(run.started_at is None for run in record.watch.open)
    why = overlapped(job.policy, waiting, len(record.watch.open) - waiting)
    if why:
        skip = Skip(at, slot_at, next_at, Outcome.SKIPPED, why)
        return apply(tx, Change(record, [skip], "schedule"), at)
    if job.policy.overlap is Overlap.CANCEL_PREVIOUS:
        record = _cancel_open(tx, record, "the next run is due", at)
    return _queue(tx, job, record, slot_at, next_at, "schedule", "", at)


def _queue(
    tx: Tx,
    job: JobRow,
    record: Record,
    slot_at: datetime | None,
    next_at: datetime | None,
    trigger: str,
    given: str,
    at: datetime,
) -> Record:
    run_id = new_id(at)
    queue = Queue(at, run_id, slot_at, next_at)
    record = apply(tx, Change(record, [queue], trigger, given), at)
    ordering = f"run:{record.id}" if in_turn(job.policy) else None
    tasks.add_many(
        tx,
        [NewTask(record.workspace_id, job.action_kind, run_id, record.id, at, ordering)],
    )
    return record


def trigger(tx: Tx, record: Record, given: str, at: datetime) -> Run:
    """Queue a run by hand, now; it has no slot. The watch is locked."""
    job = jobs.by_watch(tx, *record.key)
    if job is None:
        raise Problem("invalid", f"{record.slug} is watched only; there is nothing to run")
    if len(given.encode()) > MAX_INPUT:
        raise Problem("invalid", "input: at most 256 KiB", {"input": "at most 256 KiB"})
    before = {run.id for run in record.watch.open}
    record = _queue(tx, job, record, None, record.watch.slot_at, "manual", given, at)
    made = next(run.id for run in record.watch.open if run.id not in before)
    run = runs.by_id(tx, record.workspace_id, made)
    if run is None:
        raise LookupError(made)
    return run


# --- working ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Work:
    """A claimed run with all that a runner needs."""

    task: Task
    run: Run
    slug: str
    action_kind: str
    action: Mapping[str, Any]


def claim(tx: Tx, lane: str, node_id: str, at: datetime, limit: int, vault: Vault) -> list[Work]:
    """Take runs that are due and mark them started, in one transaction."""
    taken = tasks.claim(tx, lane, node_id, at, limit)
    found = runs.by_keys(tx, [(task.workspace_id, task.ref_id) for task in taken])
    work: list[Work] = []
    for task in taken:
        run = found.get((task.workspace_id, task.ref_id))
        if run is None or run.state == "done":
            tasks.done(tx, task)
            continue
        work += _begin(tx, task, run, at, vault)
    return work


def _begin(tx: Tx, task: Task, run: Run, at: datetime, vault: Vault) -> list[Work]:
    key = (run.workspace_id, run.watch_id)
    record = watches.by_ids(tx, [key]).get(key)
    job = jobs.by_watch(tx, *key)
    if record is None or job is None:
        tasks.done(tx, task)
        return []
    if run.cancel_reason:
        _end(tx, task, record, run, cancelled(run.cancel_reason), at)
        return []
    try:
        action = action_of(vault, job)
    except Problem as problem:  # one job that cannot be read must not hold up the others
        _end(tx, task, record, run, Result(Outcome.FAIL, problem.message), at)
        return []
    apply(tx, Change(record, [Start(at, run.id)], run.trigger), at)
    runs.set_attempt(tx, run.workspace_id, run.id, task.attempt, state="running")
    return [Work(task, run, record.slug, job.action_kind, action)]


def finish(tx: Tx, work: Work, result: Result, at: datetime, jitter: float) -> bool:
    """Write the outcome, or queue the next attempt; False if the run is no longer ours."""
    task, run = work.task, work.run
    key = (run.workspace_id, run.watch_id)
    record = watches.by_ids(tx, [key]).get(key)
    job = jobs.by_watch(tx, *key)
    if record is None or job is None:
        return tasks.done(tx, task)
    wait_s = retry_in_s(job.policy, task.attempt, result, jitter)
    if wait_s is None:
        return _end(tx, task, record, run, result, at)
    if not tasks.again(tx, task, at + timedelta(seconds=wait_s)):
        return False
    reason = f"attempt {task.attempt}: {result.reason}"
    runs.set_attempt(tx, run.workspace_id, run.id, task.attempt, state="queued", reason=reason)
    return True


def _end(tx: Tx, task: Task, record: Record, run: Run, result: Result, at: datetime) -> bool:
    if not tasks.done(tx, task):
        return False
    _settle(tx, record, run, result, at)
    return True


def _settle(tx: Tx, record: Record, run: Run, result: Result, at: datetime) -> Record:
    measured = result.duration_ms or None
    signal = Finish(at, run.id, result.outcome, None, result.reason, measured)
    record = apply(tx, Change(record, [signal], run.trigger), at)
    runs.set_result(tx, run.workspace_id, run.id, result)
    return record


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
    key = run and (run.workspace_id, run.watch_id)
    record = watches.by_ids(tx, [key]).get(key) if key else None
    job = jobs.by_watch(tx, *key) if key else None
    if run is None or record is None or job is None:
        tasks.done(tx, task)
    elif job.policy.lost_run is LostRun.RERUN and task.attempt < _most_attempts(job.policy):
        tasks.again(tx, task, at)
        runs.set_attempt(
            tx, run.workspace_id, run.id, task.attempt, state="queued", reason="its node died"
        )
    else:
        _end(tx, task, record, run, lost_result(job.policy), at)


def _most_attempts(policy: Policy) -> int:
    """A run that kills its node each time is given up after its attempts, at least three."""
    return max(policy.max_attempts, 3)


def give_back(tx: Tx, work: Work, at: datetime) -> bool:
    """Give an unfinished run back at shutdown: rerun elsewhere or end it, as its policy says."""
    job = jobs.by_watch(tx, work.run.workspace_id, work.run.watch_id)
    if job and job.policy.lost_run is LostRun.RERUN:
        if not tasks.again(tx, work.task, at):
            return False
        reason = "its node was shut down"
        key = (work.run.workspace_id, work.run.id)
        runs.set_attempt(tx, *key, work.task.attempt, state="queued", reason=reason)
        return True
    stopped = Result(Outcome.FAIL, "stopped: its node was shut down", retryable=False)
    return finish(tx, work, stopped, at, 0.0)


# --- cancelling -------------------------------------------------------------------------------


def cancel(tx: Tx, workspace_id: int, run_id: str, reason: str, at: datetime) -> Run:
    """Cancel a run: at once if it waits, else its node is asked to stop it."""
    watch = watches.by_id(tx, workspace_id, find(tx, workspace_id, run_id).watch_id, lock=True)
    if find(tx, workspace_id, run_id).state == "done" or watch is None:
        raise Problem("conflict", "the run has ended already")
    _cancel(tx, watch, [run_id], reason[:MAX_REASON], at)
    return find(tx, workspace_id, run_id)


def _cancel_open(tx: Tx, record: Record, reason: str, at: datetime) -> Record:
    return _cancel(tx, record, [run.id for run in record.watch.open], reason, at)


def _cancel(tx: Tx, record: Record, run_ids: Sequence[str], reason: str, at: datetime) -> Record:
    runs.ask_cancel(tx, record.workspace_id, run_ids, reason)
    tx.wake("cancel")
    for task in tasks.by_refs(tx, record.workspace_id, LANES, run_ids):
        if task.node_id is None and tasks.done(tx, task):
            run = find(tx, record.workspace_id, task.ref_id)
            record = _settle(tx, record, run, cancelled(reason), at)
    return record


def find(tx: Tx, workspace_id: int, run_id: str) -> Run:
    """Return a run or raise not_found."""
    run = runs.by_id(tx, workspace_id, run_id)
    if run is None:
        raise Problem("not_found", f"there is no run {run_id!r}")
    return run


# --- the action -------------------------------------------------------------------------------


def seal_action(vault: Vault, workspace_id: int, watch_id: str, action: Mapping[str, Any]) -> bytes:
    """Encrypt an action: headers, bodies and environment may hold secrets."""
    return vault.seal(json.dumps(action).encode(), _context(workspace_id, watch_id))


def action_of(vault: Vault, job: JobRow) -> dict[str, Any]:
    """Decrypt the action of a job."""
    sealed = vault.open(job.action, _context(job.workspace_id, job.watch_id))
    action: dict[str, Any] = json.loads(sealed)
    return action


def _context(workspace_id: int, watch_id: str) -> str:
    return f"job:{workspace_id}:{watch_id}"
