"""HTTP probes as a dialect lists them: what is asked, the last answer and the last day."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dogwatch.core.masking import masked_url
from dogwatch.core.message import Message
from dogwatch.core.probe.http import HttpTarget
from dogwatch.core.problems import Problem
from dogwatch.core.statistics import Tally, merged
from dogwatch.store import jobs, rollups, runs
from dogwatch.store.jobs import JobRow
from dogwatch.store.runs import Run
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases.numbered import Counted, kept_page
from dogwatch.usecases.probes import probe_of
from dogwatch.vault import Vault

DAY = timedelta(days=1)
EVERY = 1_000_000
SOUGHT = 500

__all__ = ["JobRow", "Monitor", "Record", "Run", "Tally"]


@dataclass(frozen=True, slots=True)
class Monitor:
    """A watch that asks an HTTP target: its newest run, and how it did in the last 24 hours."""

    record: Record
    target: HttpTarget
    last: Run | None
    day: Tally


def one(tx: Tx, record: Record, vault: Vault, at: datetime) -> Monitor:
    """Return the monitor of a watch; Problem("not_found") where it is none."""
    found = around(tx, [record], vault, at) if record.probe else []
    if not found:
        raise Problem("not_found", "this watch asks no HTTP target")
    return found[0]


def asked(tx: Tx, message: Message, workspace_id: int, vault: Vault) -> Message:
    """Return the message with the addresses that its probes ask, without their secrets."""
    keys = [(workspace_id, item.watch_id) for item in message.items if item.kind == "probe"]
    known = {key[1]: _target(job, vault) for key, job in jobs.by_watches(tx, keys).items()}
    urls = {own_id: masked_url(one.request.url) for own_id, one in known.items() if one}
    items = (replace(item, target=urls.get(item.watch_id, "")) for item in message.items)
    return replace(message, items=tuple(items))


def page(
    tx: Tx,
    workspace_id: int,
    page: int,
    size: int,
    keep: Callable[[Record], bool],
    vault: Vault,
) -> Counted[Record]:
    """Return the watches behind a page of those monitors that `keep` says to show, newest first."""
    every = kept_page(tx, workspace_id, 1, EVERY, keep, newest=True, kind="probe").items
    asking: list[Record] = []
    for first in range(0, len(every), SOUGHT):
        some = every[first : first + SOUGHT]
        known = jobs.by_watches(tx, [record.key for record in some])
        asking += [one for one in some if one.key in known and _target(known[one.key], vault)]
    return Counted(asking[(page - 1) * size : page * size], len(asking))


def around(tx: Tx, records: Sequence[Record], vault: Vault, at: datetime) -> list[Monitor]:
    """Return the monitors among watches of one workspace, with what surrounds them."""
    if not records:
        return []
    workspace_id, ids = records[0].workspace_id, [record.id for record in records]
    known = jobs.by_watches(tx, [record.key for record in records])
    last = runs.last_of(tx, workspace_id, ids)
    told = rollups.since_many(tx, workspace_id, ids, rollups.hour_of(at - DAY))
    targets = {key: target for key, job in known.items() if (target := _target(job, vault))}
    return [
        Monitor(
            record, targets[record.key], last.get(record.id),
            merged(tally for _, tally in told.get(record.id, ())),
        )
        for record in records
        if record.key in targets
    ]  # fmt: skip


def _target(job: JobRow, vault: Vault) -> HttpTarget | None:
    """Return what a probe asks, None where that is not HTTP or cannot be read."""
    try:
        target = probe_of(job, vault).target
    except Problem:
        return None
    return target if isinstance(target, HttpTarget) else None
