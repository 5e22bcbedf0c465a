"""The strip: what a watch was, in cells of equal length, told by its changes of status alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dogwatch.core.watch import Status

# The worst of what a cell holds is shown.
GRAVITY = {
    Status.NEW: 0,
    Status.PAUSED: 1,
    Status.UP: 2,
    Status.DEGRADED: 3,
    Status.DOWN: 4,
}


@dataclass(frozen=True, slots=True)
class Turn:
    """A watch became `status` at `at`."""

    at: datetime
    status: Status


def strip(
    first: Status, turns: Sequence[Turn], begin_at: datetime, cell: timedelta, count: int
) -> list[Status]:
    """Return the worst status of each cell; `first` is the one at `begin_at`, `turns` in order."""
    cells: list[Status] = []
    now, rest = first, [turn for turn in turns if turn.at >= begin_at]
    for number in range(count):
        end_at = begin_at + cell * (number + 1)
        worst = now
        while rest and rest[0].at < end_at:
            now = rest.pop(0).status
            worst = max(worst, now, key=GRAVITY.__getitem__)
        cells.append(worst)
    return cells


def lengths(cells: Sequence[Status]) -> list[tuple[Status, int]]:
    """Return equal neighbours as one: (status, how many)."""
    found: list[tuple[Status, int]] = []
    for one in cells:
        if found and found[-1][0] is one:
            found[-1] = one, found[-1][1] + 1
        else:
            found.append((one, 1))
    return found
