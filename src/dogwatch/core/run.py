"""Rules of our own runs: missed slots, overlap, retries, and what becomes of a lost run."""

import re
from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from dogwatch.core.result import BAD, Outcome, Result
from dogwatch.core.schedule import Schedule
from dogwatch.core.slots import STRETCH
from dogwatch.core.spec import beyond

ON_TIME = timedelta(seconds=30)
MAX_BACKOFF_S = 3600
# Slots dealt with at once: nobody waits for the lines of those that were missed.
MAX_FIRES = 1_000
# The pieces of each attempt's output count on from a multiple of this: none writes over another.
ATTEMPT_SEQS = 1_000_000
# A regular expression: what jobs call the places that they share.
CONCURRENCY_KEY = r"[A-Za-z0-9._-]{1,64}"


class Overlap(StrEnum):
    """What happens at a due time while an earlier run is still open."""

    SKIP = "skip"
    QUEUE_ONE = "queue_one"
    ALLOW = "allow"
    CANCEL_PREVIOUS = "cancel_previous"


class CatchUp(StrEnum):
    """Which of the slots that passed while we were down are run after all."""

    NONE = "none"
    LAST = "last"
    ALL = "all"


class LostRun(StrEnum):
    """What becomes of a run whose node died."""

    FAIL = "fail"
    RERUN = "rerun"
    SKIP = "skip"


# The least and the most of each number.
RANGES = {
    "catch_up_max": (1, 1_000),
    "catch_up_window_s": (0, 31 * 86_400),
    "max_attempts": (1, 20),
    "backoff_s": (0, 86_400),
    "priority": (0, 3),
    "max_runs": (1, 1_000_000_000),
    "concurrency_limit": (1, 1_000),
}


@dataclass(frozen=True, slots=True)
class Policy:
    """The run rules of one job. `catch_up_max` and `catch_up_window_s` bound catching up.

    A higher `priority` (0 to 3) goes first where runs wait for a place. After `max_runs` runs,
    counted from the last reset on, the job is paused; `reset_on_resume` has resuming reset it.
    Of all runs in a workspace whose jobs name the same `concurrency_key`, no more than
    `concurrency_limit` are under way at once; where jobs say different limits, the lowest counts.
    """

    overlap: Overlap = Overlap.SKIP
    catch_up: CatchUp = CatchUp.LAST
    catch_up_max: int = 100
    catch_up_window_s: int = 3600
    max_attempts: int = 1
    backoff_s: int = 10
    lost_run: LostRun = LostRun.FAIL
    priority: int = 0
    max_runs: int | None = None
    reset_on_resume: bool = False
    concurrency_key: str | None = None
    concurrency_limit: int = 1

    def spent(self, run_count: int) -> bool:
        """Whether a job has had all its runs."""
        return self.max_runs is not None and run_count >= self.max_runs


def faults(policy: Policy) -> dict[str, str]:
    """Return what is wrong with run rules, by field."""
    bad = beyond(RANGES, policy)
    key = policy.concurrency_key
    if key is not None and not re.fullmatch(CONCURRENCY_KEY, key):
        bad["concurrency_key"] = "use 1 to 64 of letters, digits, '.', '_' and '-'"
    return bad


@dataclass(frozen=True, slots=True)
class Fire:
    """One due slot: run it, or let it pass as `outcome` for `reason`."""

    slot_at: datetime
    outcome: Outcome | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Due:
    """The slots to deal with now, oldest first, and when to look again."""

    fires: tuple[Fire, ...]
    next_at: datetime | None


def due(schedule: Schedule, policy: Policy, next_at: datetime, at: datetime) -> Due:
    """Return what to do about every slot from `next_at` to `at`, at most `MAX_FIRES` of them.

    Of more that pass, the last one told stands for all up to the first that runs.
    """
    caught_up = _caught_up(schedule, policy, next_at, at)
    fires: list[Fire] = []
    slot: datetime | None = next_at
    while slot is not None and slot <= at and len(fires) < MAX_FIRES:
        on_time = at - slot <= ON_TIME
        run = on_time or slot in caught_up
        fires.append(Fire(slot) if run else Fire(slot, Outcome.MISSED, "we were not running"))
        slot = schedule.after(slot)
    runs_at = min((*caught_up, at - ON_TIME))
    if slot and len(fires) == MAX_FIRES and slot < runs_at:
        fires[-1] = replace(fires[-1], reason=STRETCH)
        slot = _first_since(schedule, slot, runs_at)
    return Due(tuple(fires), slot)


def _caught_up(
    schedule: Schedule, policy: Policy, next_at: datetime, at: datetime
) -> frozenset[datetime]:
    if policy.catch_up is CatchUp.NONE:
        return frozenset()
    wanted = 1 if policy.catch_up is CatchUp.LAST else policy.catch_up_max
    opens_at = at - timedelta(seconds=policy.catch_up_window_s)
    slot: datetime | None = next_at
    if next_at < opens_at:
        slot = _first_since(schedule, next_at, opens_at)
    last: deque[datetime] = deque(maxlen=wanted)
    while slot is not None and slot <= at:
        last.append(slot)
        slot = schedule.after(slot)
    return frozenset(last)


def _first_since(schedule: Schedule, next_at: datetime, opens_at: datetime) -> datetime | None:
    """Return the first slot at or after `opens_at`; an interval keeps its grid."""
    if not schedule.relative:
        return schedule.after(opens_at - timedelta(microseconds=1))
    interval = timedelta(seconds=schedule.interval_s or 1)
    return next_at + -((next_at - opens_at) // interval) * interval


def overlapped(policy: Policy, queued: int, running: int) -> str:
    """Return why a due slot must pass because of open runs; empty if it may be queued."""
    if policy.overlap is Overlap.SKIP and queued + running:
        return "the run before is still going"
    if policy.overlap is Overlap.QUEUE_ONE and queued:
        return "one run is waiting already"
    return ""


def in_turn(policy: Policy) -> bool:
    """Whether runs of the job wait for each other."""
    return policy.overlap is not Overlap.ALLOW


def retry_in_s(policy: Policy, attempt: int, result: Result, jitter: float) -> float | None:
    """Return the wait before the attempt after `attempt` (from 1), None if that was the last.

    Doubles from `backoff_s` up to an hour; `jitter` in 0..1 adds up to a tenth.
    """
    final = attempt >= policy.max_attempts or not result.retryable
    if final or result.outcome not in BAD:
        return None
    wait: int = min(policy.backoff_s << min(attempt - 1, 16), MAX_BACKOFF_S)
    return wait * (1 + jitter / 10)


def lost_result(policy: Policy, why: str) -> Result:
    """Return the outcome of a run whose node died or left, and that is not run again."""
    outcome = Outcome.SKIPPED if policy.lost_run is LostRun.SKIP else Outcome.FAIL
    return Result(outcome, why, retryable=False)


def cancelled(reason: str) -> Result:
    """Return the outcome of a run that was cancelled."""
    return Result(Outcome.SKIPPED, reason or "cancelled", retryable=False)
