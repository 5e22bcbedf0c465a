"""How many runs will begin in each hour to come, told by schedules alone."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from dogwatch.core.schedule import Schedule

HOUR = timedelta(hours=1)
# A schedule that is due oftener than that in what is asked for goes on as it began.
MOST = 300


def begins(
    schedule: Schedule, first_at: datetime | None, from_at: datetime, hours: int
) -> list[float]:
    """Return how often something is due in each of the hours from `from_at` on.

    `first_at`: when an interval is due next, if that is known.
    """
    end_at = from_at + hours * HOUR
    due: list[datetime] = []
    at = first_at if first_at and first_at >= from_at else schedule.after(from_at)
    while at is not None and at < end_at and len(due) < MOST:
        due.append(at)
        at = schedule.after(at)
    counts = [0.0] * hours
    for one in due:
        counts[(one - from_at) // HOUR] += 1
    if len(due) == MOST:
        _go_on(counts, (due[0] - from_at) / HOUR, (due[-1] - from_at) / HOUR)
    return counts


def _go_on(counts: list[float], began: float, ended: float) -> None:
    """Fill the hours behind what was counted: as a day before, or as on average."""
    rate, last = (MOST - 1) / max(ended - began, 1e-6), int(ended)
    counts[last] += rate * (last + 1 - ended)
    daily = ended - began > 25
    for hour in range(last + 1, len(counts)):
        counts[hour] = counts[hour - 24] if daily else rate


def busiest(counts: Sequence[float]) -> tuple[int, float]:
    """Return the first of the busiest hours, and how many runs begin in it."""
    most = max(counts, default=0.0)
    return (counts.index(most) if most else 0), most
