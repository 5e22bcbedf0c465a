"""What people look at: watches with what surrounds them, and pages of all that is kept."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dogwatch.core.problems import Problem
from dogwatch.core.slots import Gap, deadline
from dogwatch.core.watch import Status, armed
from dogwatch.store import (
    deliveries,
    flips,
    jobs,
    nodes,
    pauses,
    pings,
    results,
    runs,
    tasks,
    watches,
    workspaces,
)
from dogwatch.store.deliveries import Delivery, Receipt
from dogwatch.store.flips import FlipRow
from dogwatch.store.jobs import JobRow
from dogwatch.store.results import Handed
from dogwatch.store.runs import Run
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.store.workspaces import Workspace
from dogwatch.usecases.channels import channel_by_id
from dogwatch.usecases.runs import find as find_run
from dogwatch.usecases.signals import GAPS_KEPT
from dogwatch.usecases.watches import find

__all__ = ["Delivery", "FlipRow", "Handed", "JobRow", "Receipt", "Record", "Run", "Workspace"]

_SCANNED = 500
EVER_SO_MANY = 1_000_000


@dataclass(frozen=True, slots=True)
class WatchView:
    """A watch as it is shown at a time; `job` where we run it, `last_run` its newest line."""

    record: Record
    at: datetime
    last_run: Run | None
    job: JobRow | None
    deadline_at: datetime | None
    next_due_at: datetime | None
    resumes_at: datetime | None = None


def view(tx: Tx, record: Record, at: datetime) -> WatchView:
    """Return one watch with what surrounds it."""
    return views(tx, [record], at)[0]


def views(tx: Tx, records: Sequence[Record], at: datetime) -> list[WatchView]:
    """Return watches of one workspace with what surrounds them."""
    if not records:
        return []
    gaps = nodes.gaps(tx, at - GAPS_KEPT)
    last = runs.last_of(tx, records[0].workspace_id, [record.id for record in records])
    found = jobs.by_watches(tx, [record.key for record in records if record.watch.job])
    rest = [one.id for one in records if one.watch.status is Status.PAUSED]
    resumes = pauses.of(tx, records[0].workspace_id, rest) if rest else {}
    return [
        WatchView(
            record, at, last.get(record.id), found.get(record.key),
            _deadline_at(record, gaps), next_due_at(record, at), resumes.get(record.id),
        )
        for record in records
    ]  # fmt: skip


def _deadline_at(record: Record, gaps: Sequence[Gap]) -> datetime | None:
    watch = record.watch
    if not armed(watch) or watch.slot_at is None:
        return None
    return deadline(watch.plan, watch.slot_at, gaps)


def next_due_at(record: Record, at: datetime) -> datetime | None:
    """Return the owed slot; a watch that owes nothing yet shows its next one instead."""
    watch = record.watch
    if watch.slot_at and watch.slot_at <= at and not watch.job and not armed(watch):
        return watch.plan.after(at)
    return watch.slot_at


def records(tx: Tx, workspace_id: int) -> Sequence[Record]:
    """Return all watches of a workspace, oldest first, with nothing of what surrounds them."""
    return watches.listed(tx, workspace_id, EVER_SO_MANY)


def jobs_of(tx: Tx, found: Sequence[Record]) -> dict[str, JobRow]:
    """Return the jobs of watches of one workspace, by watch id."""
    rows = jobs.by_watches(tx, [record.key for record in found if record.watch.job])
    return {key[1]: row for key, row in rows.items()}


def watch(tx: Tx, workspace_id: int, name: str, at: datetime) -> WatchView:
    """Return the watch with this id or slug."""
    return view(tx, find(tx, workspace_id, name), at)


def watch_page(
    tx: Tx, workspace_id: int, limit: int, after: str, filters: Mapping[str, Any], at: datetime
) -> list[WatchView]:
    """Return watches oldest first, from the one after id `after`; `tag` is one of several."""
    columns = {name: value for name, value in filters.items() if name != "tag"}
    tag = filters.get("tag")
    found: list[Record] = []
    while len(found) < limit:
        size = _SCANNED if tag else limit
        seen = watches.listed(tx, workspace_id, size, after, **columns)
        found += [record for record in seen if not tag or tag in record.tags]
        if len(seen) < size:
            break
        after = seen[-1].id
    return views(tx, found[:limit], at)


def ping_page(
    tx: Tx, workspace_id: int, name: str, limit: int, before: int | None
) -> Sequence[dict[str, Any]]:
    """Return the pings of a watch newest first, as plain rows."""
    record = find(tx, workspace_id, name)
    return pings.listed(tx, workspace_id, record.id, limit, before)


def _of_watch(tx: Tx, workspace_id: int, filters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the filters by column; `watch` may be an id or a slug."""
    columns = {name: value for name, value in filters.items() if name != "watch"}
    if "watch" in filters:
        columns["watch_id"] = find(tx, workspace_id, filters["watch"]).id
    return columns


def run(tx: Tx, workspace_id: int, run_id: str) -> tuple[Run, Handed]:
    """Return a run with what its script handed on."""
    return find_run(tx, workspace_id, run_id), results.get(tx, workspace_id, run_id)


def waits(tx: Tx, run: Run) -> str:
    """Say why a queued run has not begun, if others have the places that it shares with them."""
    if run.state != "queued" or run.retry_at:
        return ""
    key, taken, places = tasks.crowd(tx, run.workspace_id, run.id) or ("", 0, 1)
    if taken < places:
        return ""
    return f"waits for a place: {taken} of {places} runs with the key {key} are under way"


def run_page(
    tx: Tx, workspace_id: int, limit: int, before: str, filters: Mapping[str, Any]
) -> Sequence[Run]:
    """Return runs newest first; filters: watch (id or slug) or watch_id, outcome, state."""
    columns = _of_watch(tx, workspace_id, filters)
    return runs.listed(tx, workspace_id, limit, before, **columns)


def flip_page(
    tx: Tx, workspace_id: int, limit: int, before: str, filters: Mapping[str, Any]
) -> Sequence[FlipRow]:
    """Return flips newest first; filter: watch."""
    columns = _of_watch(tx, workspace_id, filters)
    return flips.listed(tx, workspace_id, limit, before, **columns)


def delivery_page(
    tx: Tx, workspace_id: int, limit: int, before: str, filters: Mapping[str, Any]
) -> Sequence[Delivery]:
    """Return deliveries newest first; filters: watch, channel_id, state."""
    columns = _of_watch(tx, workspace_id, filters)
    if "channel_id" in filters:
        channel_by_id(tx, workspace_id, filters["channel_id"])
    return deliveries.listed(tx, workspace_id, limit, before, **columns)


def delivery(tx: Tx, workspace_id: int, delivery_id: str) -> tuple[Delivery, Sequence[Receipt]]:
    """Return a delivery with its receipts, or those of the one message that tells of it."""
    found = deliveries.by_id(tx, workspace_id, delivery_id)
    if found is None:
        raise Problem("not_found", f"there is no delivery {delivery_id!r}")
    return found, deliveries.receipts_of(tx, workspace_id, found.bundle_id or delivery_id)


def last_receipts(tx: Tx, workspace_id: int, found: Sequence[Delivery]) -> Mapping[str, Receipt]:
    """Return the last receipt of each of these deliveries that has any, by delivery id."""
    return deliveries.last_receipts(tx, workspace_id, [one.id for one in found])


Chunk = tuple[int, str, str]


def output(
    tx: Tx, workspace_id: int, run_id: str, after_seq: int = -1, limit: int = 10_000
) -> tuple[Run, Sequence[Chunk]]:
    """Return a run with its output after `after_seq`: (seq, stream, text)."""
    run = runs.by_id(tx, workspace_id, run_id)
    if run is None:
        raise Problem("not_found", f"there is no run {run_id!r}")
    chunks = runs.output(tx, workspace_id, run_id, after_seq, limit)
    if chunks or run.trigger != "ping":
        return run, chunks
    return run, [chunk for chunk in _told(tx, run) if chunk[0] > after_seq][:limit]


def _told(tx: Tx, run: Run) -> Iterator[Chunk]:
    """Yield what the pings of a run told of it, each as lines of its own."""
    if run.finished_at is None:
        return
    began_at = run.started_at or run.finished_at
    texts = pings.said(tx, run.workspace_id, run.watch_id, run.rid, began_at, run.finished_at)
    for seq, text in enumerate(texts, 1):
        yield seq, "stdout", text if text.endswith("\n") else f"{text}\n"


def workspace(tx: Tx, workspace_id: int, *, lock: bool = False) -> Workspace:
    """Return the workspace; with `lock`, rivals who ask for that wait."""
    found = workspaces.get(tx, workspace_id, lock=lock)
    if found is None:
        raise Problem("not_found", "there is no such workspace")
    return found


def counts(tx: Tx) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Return how many watches have each status and how many tasks each lane has, over all."""
    return watches.count_by_status(tx), tasks.depth(tx)
