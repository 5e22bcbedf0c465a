"""When a probe is asked: its slots are spread over the interval, and what was missed as well."""

import hashlib
from datetime import UTC, datetime, timedelta

from dogwatch.core.schedule import Schedule
from dogwatch.core.slots import Plan, last_due

# What is overdue by more than this was not asked because we were away.
LATE_S = 5.0
# Probes that are overdue when we come back are asked within this time, or their interval.
RETURN_S = 60.0

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def share(key: str) -> float:
    """Return a number from 0 to 1, always the same for one key, evenly spread over many."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=6).digest(), "big") / 2**48


def first_slot(schedule: Schedule | None, key: str, at: datetime) -> datetime | None:
    """Return the first slot after `at`: that of a plain interval lies where its key puts it."""
    if schedule is None or not schedule.relative or not schedule.interval_s:
        return schedule.after(at) if schedule else None
    interval = timedelta(seconds=schedule.interval_s)
    origin = _EPOCH + timedelta(milliseconds=int(share(key) * interval.total_seconds() * 1000))
    return origin + ((at - origin) // interval + 1) * interval


def current_slot(plan: Plan, owed_at: datetime, at: datetime) -> datetime:
    """Return the latest slot from the owed one on that is due at `at`; an interval's grid stays."""
    if plan.schedule and plan.schedule.relative:
        interval = timedelta(seconds=plan.schedule.interval_s or 1)
        return owed_at + max((at - owed_at) // interval, 0) * interval
    return last_due(plan, owed_at, at) or owed_at


def put_off(plan: Plan, due_at: datetime, key: str, at: datetime) -> datetime | None:
    """Return when to ask what is overdue because we were away; None: now."""
    interval_s = plan.schedule.interval_s if plan.schedule and plan.relative else None
    if (at - due_at).total_seconds() <= min(LATE_S, interval_s or LATE_S):
        return None
    within_s = min(RETURN_S, interval_s or RETURN_S)
    return at + timedelta(seconds=share(key) * within_s)
