"""The load calendar: how many runs will begin in each hour of the coming week."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dogwatch.core.load import HOUR, begins
from dogwatch.core.problems import Problem
from dogwatch.core.schedule import parse_from
from dogwatch.store import load
from dogwatch.store.load import Kept
from dogwatch.store.tx import Tx

HOURS = 7 * 24
MOST_SCHEDULES = 500


@dataclass(frozen=True, slots=True)
class Load:
    """How many runs begin in each hour from `begin_at` on.

    `rough`: there are more schedules than are counted, the rarest of which are left out.
    """

    begin_at: datetime
    counts: Sequence[float]
    rough: bool


def load_of(tx: Tx, workspace_id: int, at: datetime) -> Load:
    """Return the load of a workspace from the present hour on."""
    begin_at = at.replace(minute=0, second=0, microsecond=0)
    found = load.kept(tx, workspace_id, MOST_SCHEDULES + 1)
    counts = [0.0] * HOURS
    for one in found[:MOST_SCHEDULES]:
        counts = [
            so_far + more for so_far, more in zip(counts, _of(one, at, begin_at), strict=True)
        ]
    return Load(begin_at, counts, len(found) > MOST_SCHEDULES)


def _of(one: Kept, at: datetime, begin_at: datetime) -> list[float]:
    try:
        schedule = parse_from(one.schedule, one.timezone, one.starts_at)
    except Problem:  # a zone that this machine does not know
        return [0.0] * HOURS
    first_at = one.slot_at if one.slot_at and one.slot_at > at else schedule.after(at)
    if first_at is None or first_at >= begin_at + HOURS * HOUR:
        return [0.0] * HOURS
    return [one.count * count for count in begins(schedule, first_at, begin_at, HOURS)]
