"""Jobs: a watch together with what we run for it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dogwatch.core.http_action import HttpAction
from dogwatch.core.problems import Problem, refuse
from dogwatch.core.run import LostRun, Policy, faults
from dogwatch.core.script_action import ScriptAction
from dogwatch.core.spec import WatchSpec
from dogwatch.core.variable import named_in
from dogwatch.core.watch import Status
from dogwatch.store import jobs, variables
from dogwatch.store.jobs import JobRow
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases.allowances import (
    admit_monitor,
    admit_monitors,
    admit_pace,
    admit_schedule,
    plan_in,
)
from dogwatch.usecases.runs import action_of, seal_action
from dogwatch.usecases.watches import add_many as add_watches
from dogwatch.usecases.watches import edit as edit_watch
from dogwatch.usecases.watches import rearm
from dogwatch.vault import Vault

ACTIONS: Mapping[str, Callable[[object], HttpAction | ScriptAction]] = {
    "http": HttpAction.from_json,
    "script": ScriptAction.from_json,
}


@dataclass(frozen=True, slots=True)
class JobSpec:
    """A job as its owner describes it: a watch, an action and the run rules."""

    watch: WatchSpec
    action_kind: str
    action: Mapping[str, Any]
    policy: Policy


def add(tx: Tx, workspace_id: int, spec: JobSpec, vault: Vault, at: datetime) -> Record:
    """Make a job with its watch."""
    return add_many(tx, workspace_id, [spec], vault, at)[0]


def add_many(
    tx: Tx, workspace_id: int, specs: Sequence[JobSpec], vault: Vault, at: datetime
) -> list[Record]:
    """Make jobs with their watches, in few statements where all have slugs."""
    actions = [check(spec) for spec in specs]
    records = add_watches(tx, workspace_id, [spec.watch for spec in specs], at, job=True)
    admit_monitors(tx, workspace_id, [spec.action_kind for spec in specs])
    plan = plan_in(tx, workspace_id)
    for record in records:
        admit_pace(plan, record.watch.plan.schedule, at)
    every = list(zip(records, specs, actions, strict=True))
    jobs.add(tx, *(_row(record, spec, action, vault) for record, spec, action in every))
    variables.name_new(tx, [
        (workspace_id, key, record.id)
        for record, spec, action in every
        for key in _named(spec.action_kind, action)
    ])  # fmt: skip
    tx.wake("schedule")
    return records


def edit(tx: Tx, record: Record, spec: JobSpec, vault: Vault, at: datetime) -> Record:
    """Change a job whose watch is locked; open runs go on as they were started."""
    action = check(spec)
    before, record = record, edit_watch(tx, record, spec.watch, at)
    if record.schedule != before.schedule:
        admit_schedule(tx, record.workspace_id, record.watch.plan.schedule, at)
    admit_monitor(tx, record.workspace_id, spec.action_kind, find(tx, record).action_kind)
    jobs.save(tx, _row(record, spec, action, vault))
    _note_variables(tx, record, spec.action_kind, action)
    return _owing(tx, record, at)


def reset(tx: Tx, record: Record, at: datetime) -> Record:
    """Count the runs of a locked job from 0 again; a paused one stays paused."""
    find(tx, record)
    jobs.reset(tx, *record.key)
    return _owing(tx, record, at)


def _owing(tx: Tx, record: Record, at: datetime) -> Record:
    """Have a job that may run on owe its next slot, though its last run is still going."""
    watch = record.watch
    if watch.slot_at or watch.status is Status.PAUSED or find(tx, record).spent:
        return record
    return rearm(tx, record, at)


def _note_variables(tx: Tx, record: Record, kind: str, action: Mapping[str, Any]) -> None:
    """Note which variables the script of a job names."""
    variables.name(tx, *record.key, _named(kind, action))


def _named(kind: str, action: Mapping[str, Any]) -> frozenset[str]:
    return named_in(action["source"]) if kind == "script" else frozenset()


def find(tx: Tx, record: Record) -> JobRow:
    """Return the job of a watch, or raise not_found."""
    job = jobs.by_watch(tx, *record.key)
    if job is None:
        raise Problem("not_found", f"{record.slug} is watched only; it is no job")
    if record.kind != "job":
        raise Problem("not_found", f"{record.slug} is a {record.kind}, not a job")
    return job


def spec_of(record: Record, job: JobRow, watch: WatchSpec, vault: Vault) -> JobSpec:
    """Return what the owner of a job said of it, given its `watch` part."""
    return JobSpec(watch, job.action_kind, action_of(vault, job), job.policy)


def default_policy(action_kind: str, action: Mapping[str, Any]) -> Policy:
    """Return the run rules of a job whose owner names none: only a safe request is rerun."""
    safe = action_kind == "http" and action.get("method", "GET") in {"GET", "HEAD"}
    return Policy(lost_run=LostRun.RERUN if safe else LostRun.FAIL)


def check(spec: JobSpec) -> dict[str, Any]:
    """Return the action in its stored form; a Problem names every bad field of action and rules."""
    bad: dict[str, str] = {}
    action: dict[str, Any] = {}
    try:
        action = ACTIONS[spec.action_kind](dict(spec.action)).to_json()
    except KeyError:
        bad["action.kind"] = "use http or script"
    except Problem as problem:
        bad |= {f"action.{field}": message for field, message in problem.fields.items()}
    bad |= faults(spec.policy)
    refuse(bad)
    return action


def _row(record: Record, spec: JobSpec, action: Mapping[str, Any], vault: Vault) -> JobRow:
    sealed = seal_action(vault, record.workspace_id, record.id, action)
    return JobRow(
        record.workspace_id, record.id, spec.action_kind, sealed, spec.policy, record.watch.slot_at
    )
