"""Pages that are counted, as the dialects have them: by number, with the total."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, Generic, TypeVar

from dogwatch.core.ping import Beat, durations_ms
from dogwatch.core.result import BAD, GOOD
from dogwatch.store import flips, logs, pings, runs, watches
from dogwatch.store.runs import Run
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record

T = TypeVar("T")

SCANNED = 500
# How many pings before a page may stand between a run's end on it and its start.
LOOKED_BACK = 1_000


@dataclass(frozen=True, slots=True)
class Counted(Generic[T]):
    """Some of `total` things."""

    items: Sequence[T]
    total: int


@dataclass(frozen=True, slots=True)
class Tally:
    """What a watch has been through, as far back as it is kept."""

    pings: int
    downs: int


@dataclass(frozen=True, slots=True)
class Score:
    """How often the runs of a watch ended well, and how often badly."""

    good: int
    bad: int


def watch_page(
    tx: Tx, workspace_id: int, page: int, size: int, *, newest: bool = False, **filters: Any
) -> Counted[Record]:
    """Return the watches of a page, the first being 1; filters by column."""
    offset = (page - 1) * size
    return Counted(*watches.numbered(tx, workspace_id, offset, size, newest=newest, **filters))


def kept_page(
    tx: Tx,
    workspace_id: int,
    page: int,
    size: int,
    keep: Callable[[Record], bool],
    *,
    newest: bool = False,
    **filters: Any,
) -> Counted[Record]:
    """Return the watches of a page of those that `keep` says to show, which no column tells."""
    every = chain.from_iterable(batches(tx, workspace_id, **filters))
    kept = [record for record in every if keep(record)]
    if newest:
        kept.reverse()
    return Counted(kept[(page - 1) * size : page * size], len(kept))


def batches(tx: Tx, workspace_id: int, **filters: Any) -> Iterator[Sequence[Record]]:
    """Yield all watches, oldest first, some at a time; filters by column."""
    after = ""
    while seen := watches.listed(tx, workspace_id, SCANNED, after, **filters):
        yield seen
        if len(seen) < SCANNED:
            return
        after = seen[-1].id


def ping_page(
    tx: Tx,
    record: Record,
    page: int,
    size: int,
    from_at: datetime | None = None,
    until_at: datetime | None = None,
) -> Counted[dict[str, Any]]:
    """Return the pings of a page, newest first, as plain rows.

    `duration_ms` is what a ping told of its run, else how long ago that began, where it was told.
    """
    offset = (page - 1) * size
    rows, total = pings.numbered(tx, *record.key, offset, size, from_at, until_at)
    return Counted(_measured(tx, record, rows), total)


def _measured(tx: Tx, record: Record, rows: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    if all(row["duration_ms"] is not None for row in rows):
        return rows
    before = pings.beats_before(tx, *record.key, rows[-1]["id"], LOOKED_BACK)
    beats = [Beat(row["at"], row["kind"], row["rid"]) for row in reversed(rows)]
    took_ms = durations_ms([*before, *beats])[len(before) :]
    return [
        row | {"duration_ms": took if row["duration_ms"] is None else row["duration_ms"]}
        for row, took in zip(rows, reversed(took_ms), strict=True)
    ]


def tally(tx: Tx, record: Record) -> Tally:
    """Return how often a watch was heard, and how often it went down."""
    _, heard = pings.numbered(tx, *record.key, 0, 0)
    return Tally(heard, flips.count(tx, *record.key, "down"))


def ping_body(tx: Tx, record: Record, number: int) -> str:
    """Return what a ping came with, the oldest that is kept being 1; "" where there is none."""
    _, heard = pings.numbered(tx, *record.key, 0, 0)
    if not 1 <= number <= heard:
        return ""
    rows, _ = pings.numbered(tx, *record.key, heard - number, 1)
    return str(rows[0]["body"])


def newest_pings(tx: Tx, records: Sequence[Record]) -> dict[str, dict[str, Any]]:
    """Return the newest ping of each watch of one workspace that has any, as plain rows."""
    ids = [record.id for record in records]
    return pings.newest(tx, records[0].workspace_id, ids) if records else {}


def ping_counts(tx: Tx, records: Sequence[Record]) -> dict[str, int]:
    """Return how often each watch of one workspace was heard, as far back as that is kept."""
    ids = [record.id for record in records]
    return pings.counts(tx, records[0].workspace_id, ids) if records else {}


def scores(tx: Tx, workspace_id: int, watch_ids: Sequence[str]) -> Mapping[str, Score]:
    """Return how the runs of each of these watches ended, as far back as they are kept."""
    return {
        watch_id: Score(
            sum(counted.get(outcome, 0) for outcome in GOOD),
            sum(counted.get(outcome, 0) for outcome in BAD),
        )
        for watch_id, counted in logs.tallies(tx, workspace_id, watch_ids).items()
    }


def run_page(
    tx: Tx,
    workspace_id: int,
    offset: int,
    size: int,
    watch_id: str | None = None,
    kind: str = "job",
) -> Counted[Run]:
    """Return runs of our own from the `offset`th one on, newest first, of one watch or of all
    watches of a kind."""
    return Counted(*runs.numbered(tx, workspace_id, offset, size, watch_id, kind))


def whole_of(tx: Tx, some: Sequence[Run]) -> Mapping[str, str]:
    """Return the watch id of the workflow that each of these runs is a node of, by run id."""
    nodes = [run for run in some if run.trigger == runs.CHILD and run.parent_id]
    parents = runs.by_keys(tx, {(run.workspace_id, run.parent_id or "") for run in nodes})
    return {
        run.id: parents[key].watch_id
        for run in nodes
        if (key := (run.workspace_id, run.parent_id or "")) in parents
    }


def output_ends(
    tx: Tx, workspace_id: int, run_ids: Sequence[str], length: int
) -> Mapping[str, str]:
    """Return the last characters of the output of each of these runs."""
    tails = logs.output_tails(tx, workspace_id, run_ids, length)
    return {run_id: text[-length:] for run_id, text in tails.items()}
