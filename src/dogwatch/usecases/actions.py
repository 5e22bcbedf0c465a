"""Conditional actions of a job or a workflow: what follows the end of its runs."""

from collections.abc import Sequence
from dataclasses import replace

from dogwatch.core.conditional import ConditionalAction, check
from dogwatch.core.problems import Problem, refuse
from dogwatch.store import channels, effects, jobs, watches
from dogwatch.store.effects import Effect
from dogwatch.store.jobs import JobRow
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases.watches import refuse_kept

__all__ = ["Effect"]


def of(tx: Tx, record: Record) -> tuple[ConditionalAction, ...]:
    """Return what follows the runs of a job; its targets by id."""
    return _job(tx, record).actions


def put(
    tx: Tx, record: Record, actions: Sequence[ConditionalAction]
) -> tuple[ConditionalAction, ...]:
    """Set what follows the runs of a job; a job may be given by id or slug.

    A Problem names every bad field, such as `actions.0.run`.
    """
    _job(tx, record)
    refuse_kept(tx, record)
    bad: dict[str, str] = {}
    found = []
    for index, one in enumerate(actions):
        target, fault = _target(tx, record.workspace_id, one)
        found.append(target)
        bad |= {f"actions.{index}.{name}": told for name, told in fault.items()}
    refuse(bad)
    check(found, record.id)
    jobs.set_actions(tx, *record.key, found)
    return tuple(found)


def effects_of(tx: Tx, workspace_id: int, run_id: str) -> Sequence[Effect]:
    """Return what followed a run, in order."""
    return effects.of_run(tx, workspace_id, run_id)


def _target(
    tx: Tx, workspace_id: int, action: ConditionalAction
) -> tuple[ConditionalAction, dict[str, str]]:
    """Return an action with the id of its target, and what is wrong with that."""
    if action.run:
        record = watches.by_name(tx, workspace_id, action.run)
        if record is None:
            return action, {"run": f"there is no job {action.run[:64]!r}"}
        if record.kind not in ("job", "workflow"):
            return action, {"run": f"{record.slug} is a {record.kind}, not a job"}
        return replace(action, run=record.id), {}
    if action.channel and channels.by_id(tx, workspace_id, action.channel) is None:
        return action, {"channel": f"there is no channel {action.channel[:64]!r}"}
    return action, {}


def _job(tx: Tx, record: Record) -> JobRow:
    job = jobs.by_watch(tx, *record.key)
    if job is None or record.probe:
        raise Problem("not_found", f"{record.slug} is no job")
    return job
