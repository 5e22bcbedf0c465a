"""How a watch did over a day, a week, a month and three; our own outages are told as gaps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dogwatch.core.slots import Gap
from dogwatch.core.statistics import Tally, merged
from dogwatch.store import nodes, rollups
from dogwatch.store.tx import Tx
from dogwatch.usecases.watches import find

# Up to a week is told from hours, what is longer from whole days.
DAYS: Mapping[str, int] = {"24h": 1, "7d": 7, "30d": 30, "90d": 90}
OF_HOURS = 7
HOURS_KEPT = timedelta(days=8)
DAYS_KEPT = timedelta(days=100)
BATCH = 5_000


@dataclass(frozen=True, slots=True)
class Window:
    """How a watch did since `from_at`; in the `gaps` nobody here was watching."""

    name: str
    from_at: datetime
    tally: Tally
    gaps: Sequence[Gap]


def windows(tx: Tx, workspace_id: int, name: str, at: datetime) -> list[Window]:
    """Return how a watch did in each window up to `at`, the shortest first."""
    record = find(tx, workspace_id, name)
    starts = {window: _from_at(days, at) for window, days in DAYS.items()}
    told = rollups.since(tx, *record.key, min(starts.values()))
    gaps = nodes.gaps(tx, min(starts.values()))
    return [
        Window(
            window, from_at, merged(tally for began_at, tally in told if began_at >= from_at),
            _within(gaps, max(from_at, record.created_at), at),
        )
        for window, from_at in starts.items()
    ]  # fmt: skip


def _from_at(days: int, at: datetime) -> datetime:
    began_at = rollups.hour_of(at - timedelta(days=days))
    return began_at if days <= OF_HOURS else began_at.replace(hour=0)


def _within(gaps: Sequence[Gap], from_at: datetime, until: datetime) -> list[Gap]:
    met = [gap for gap in gaps if gap.end_at > from_at and gap.start_at < until]
    return [Gap(max(gap.start_at, from_at), min(gap.end_at, until)) for gap in met]


def tidy(tx: Tx, at: datetime) -> int:
    """Fold some old hours into their days and drop days that are too old; return how many."""
    midnight = rollups.hour_of(at - HOURS_KEPT).replace(hour=0)
    folded = rollups.fold(tx, midnight, BATCH)
    return folded + rollups.prune(tx, at - DAYS_KEPT, BATCH)
