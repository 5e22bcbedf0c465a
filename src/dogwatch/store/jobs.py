"""Jobs: what we run for a watch, and by which rules."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, func, insert, select, tuple_, update

from dogwatch.core.conditional import ConditionalAction
from dogwatch.core.plans import MONITOR_ACTIONS
from dogwatch.core.run import CatchUp, LostRun, Overlap, Policy
from dogwatch.store.tables import jobs
from dogwatch.store.tasks import EVER
from dogwatch.store.tx import Tx


@dataclass(frozen=True, slots=True)
class JobRow:
    """The job of one watch. `action` is the sealed JSON of an HTTP or script action.

    `run_count` counts runs since the last reset, `actions` follow the end of a run; saving a job
    leaves both as they are.
    """

    workspace_id: int
    watch_id: str
    action_kind: str
    action: bytes
    policy: Policy
    next_at: datetime | None
    run_count: int = 0
    actions: tuple[ConditionalAction, ...] = ()

    @property
    def spent(self) -> bool:
        """Whether the job has had all its runs."""
        return self.policy.spent(self.run_count)

    @property
    def concurrency(self) -> tuple[str | None, int]:
        """Return what its runs share places by, in the words of the queue, and how many."""
        key, limit = self.policy.concurrency_key, self.policy.concurrency_limit
        return (None if key is None else f"{self.workspace_id}:{key}"), limit


def add(tx: Tx, *new: JobRow) -> None:
    """Insert jobs."""
    if new:
        tx.conn.execute(insert(jobs), [_columns(one) for one in new])


def save(tx: Tx, job: JobRow) -> None:
    """Write back a whole job."""
    tx.conn.execute(
        update(jobs)
        .where(jobs.c.workspace_id == job.workspace_id, jobs.c.watch_id == job.watch_id)
        .values(**_columns(job))
    )


def by_watch(tx: Tx, workspace_id: int, watch_id: str) -> JobRow | None:
    """Return the job of a watch."""
    return by_watches(tx, [(workspace_id, watch_id)]).get((workspace_id, watch_id))


def by_watches(tx: Tx, keys: Collection[tuple[int, str]]) -> dict[tuple[int, str], JobRow]:
    """Return the jobs of these (workspace id, watch id)."""
    if not keys:
        return {}
    rows = tx.conn.execute(_BY_WATCHES, {"keys": list(keys)})
    return {(row.workspace_id, row.watch_id): _job(row) for row in rows}


def is_monitor() -> ColumnElement[bool]:
    """Return the condition that a job is an HTTP monitor."""
    return jobs.c.action_kind.in_(MONITOR_ACTIONS)


def count_monitors(tx: Tx, workspace_id: int) -> int:
    """Return how many HTTP monitors a workspace has."""
    found = select(func.count()).where(jobs.c.workspace_id == workspace_id, is_monitor())
    return int(tx.conn.scalar(found) or 0)


def due(tx: Tx, since: datetime, at: datetime, limit: int) -> Sequence[JobRow]:
    """Return and lock jobs with a due slot, those due before `since` behind the others.

    On PostgreSQL, those no other node holds.
    """
    found: list[JobRow] = []
    for low, high in ((since, at), (EVER, since)):
        given = {"since": low, "at": high, "limit": limit - len(found)}
        found += [_job(row) for row in tx.conn.execute(_DUE, given)]
    return found


# Built once: every step of the scheduler runs these.
_DUE = (
    select(jobs)
    .where(jobs.c.next_at > bindparam("since"), jobs.c.next_at <= bindparam("at"))
    .order_by(jobs.c.next_at)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_NEXT = select(func.min(jobs.c.next_at))
_SET_NEXT = (
    update(jobs)
    .where(jobs.c.workspace_id == bindparam("of_workspace"), jobs.c.watch_id == bindparam("of_id"))
    .values(next_at=bindparam("at"))
)
_BY_WATCHES = select(jobs).where(
    tuple_(jobs.c.workspace_id, jobs.c.watch_id).in_(bindparam("keys", expanding=True))
)


def keys(tx: Tx) -> Sequence[tuple[int, str]]:
    """Return the (workspace id, watch id) of every job."""
    found = select(jobs.c.workspace_id, jobs.c.watch_id)
    return [(row.workspace_id, row.watch_id) for row in tx.conn.execute(found)]


def ahead(tx: Tx, at: datetime) -> Sequence[JobRow]:
    """Return the jobs that are due after `at`."""
    return [_job(row) for row in tx.conn.execute(select(jobs).where(jobs.c.next_at > at))]


def set_next(tx: Tx, workspace_id: int, watch_id: str, next_at: datetime | None) -> None:
    """Set when the job is due again."""
    given = {"of_workspace": workspace_id, "of_id": watch_id, "at": next_at}
    tx.conn.execute(_SET_NEXT, given)


def count_run(tx: Tx, workspace_id: int, watch_id: str) -> None:
    """Count one more run."""
    tx.conn.execute(
        update(jobs)
        .where(jobs.c.workspace_id == workspace_id, jobs.c.watch_id == watch_id)
        .values(run_count=jobs.c.run_count + 1)
    )


def reset(tx: Tx, workspace_id: int, watch_id: str) -> None:
    """Count runs from 0 again."""
    tx.conn.execute(
        update(jobs)
        .where(jobs.c.workspace_id == workspace_id, jobs.c.watch_id == watch_id)
        .values(run_count=0)
    )


def spent(tx: Tx, keys: Collection[tuple[int, str]]) -> set[tuple[int, str]]:
    """Return those of these jobs that have had all their runs."""
    rows = tx.conn.execute(_SPENT, {"keys": list(keys)}) if keys else ()
    return {(row.workspace_id, row.watch_id) for row in rows}


def set_actions(
    tx: Tx, workspace_id: int, watch_id: str, actions: Sequence[ConditionalAction]
) -> None:
    """Set what follows the end of a run of a job."""
    tx.conn.execute(
        update(jobs)
        .where(jobs.c.workspace_id == workspace_id, jobs.c.watch_id == watch_id)
        .values(actions=[one.to_json() for one in actions])
    )


_SPENT = select(jobs.c.workspace_id, jobs.c.watch_id).where(
    tuple_(jobs.c.workspace_id, jobs.c.watch_id).in_(bindparam("keys", expanding=True)),
    jobs.c.run_count >= jobs.c.max_runs,
)


def next_due_at(tx: Tx) -> datetime | None:
    """Return the earliest due time of any job."""
    earliest: datetime | None = tx.conn.scalar(_NEXT)
    return earliest


def _columns(job: JobRow) -> dict[str, Any]:
    policy = job.policy
    return {
        "workspace_id": job.workspace_id,
        "watch_id": job.watch_id,
        "action_kind": job.action_kind,
        "action": job.action,
        "overlap": str(policy.overlap),
        "catch_up": str(policy.catch_up),
        "catch_up_max": policy.catch_up_max,
        "catch_up_window_s": policy.catch_up_window_s,
        "max_attempts": policy.max_attempts,
        "backoff_s": policy.backoff_s,
        "lost_run": str(policy.lost_run),
        "priority": policy.priority,
        "max_runs": policy.max_runs,
        "reset_on_resume": policy.reset_on_resume,
        "concurrency_key": policy.concurrency_key,
        "concurrency_limit": policy.concurrency_limit,
        "next_at": job.next_at,
    }


def _job(row: Row[Any]) -> JobRow:
    policy = Policy(
        overlap=Overlap(row.overlap),
        catch_up=CatchUp(row.catch_up),
        catch_up_max=row.catch_up_max,
        catch_up_window_s=row.catch_up_window_s,
        max_attempts=row.max_attempts,
        backoff_s=row.backoff_s,
        lost_run=LostRun(row.lost_run),
        priority=row.priority,
        max_runs=row.max_runs,
        reset_on_resume=row.reset_on_resume,
        concurrency_key=row.concurrency_key,
        concurrency_limit=row.concurrency_limit,
    )
    return JobRow(
        row.workspace_id, row.watch_id, row.action_kind, row.action, policy, row.next_at,
        row.run_count, tuple(map(ConditionalAction.from_json, row.actions)),
    )  # fmt: skip
