"""The audit: proves from the database alone that nothing was lost, doubled or left untold."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from dogwatch.core.alerts import event_of, matches
from dogwatch.store import channels, jobs, ledger, retention, runs, watches
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record

MAX_SLOTS = 10_000
# A slot may be due this long before the scheduler or sweeper has dealt with it.
LAG = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not be: which rule it breaks, where, and how."""

    rule: str
    where: str
    detail: str


def audit(tx: Tx, at: datetime) -> list[Finding]:
    """Return everything in the store that breaks a promise; empty is good."""
    return [*_slots_once(tx), *_nothing_stuck(tx), *_no_holes(tx, at), *_flips_chain(tx),
            *_flips_told(tx)]  # fmt: skip


def _slots_once(tx: Tx) -> Iterator[Finding]:
    for row in ledger.doubled_slots(tx):
        yield Finding(
            "one run per slot", row["watch_id"], f"{row['runs']} runs at {row['slot_at']}"
        )
    for row in ledger.endless_runs(tx):
        yield Finding("one outcome per run", row["watch_id"], f"run {row['id']}")


def _nothing_stuck(tx: Tx) -> Iterator[Finding]:
    for row in ledger.orphaned_runs(tx):
        yield Finding("every run ends", row["watch_id"], f"nothing will end run {row['id']}")
    for row in ledger.stuck_deliveries(tx):
        yield Finding("every flip is told", row["watch_id"] or "", f"delivery {row['id']} is stuck")


def _no_holes(tx: Tx, at: datetime) -> Iterator[Finding]:
    for workspace_id, watch_id in ledger.all_watches(tx):
        record = watches.by_id(tx, workspace_id, watch_id)
        if record:
            yield from _holes(tx, record, at)


def _holes(tx: Tx, record: Record, at: datetime) -> Iterator[Finding]:
    """Every slot between the start of the ledger and the owed slot has its line."""
    schedule, until = record.watch.plan.schedule, record.watch.slot_at
    if schedule is None or until is None:
        return
    kept = runs.slots(tx, *record.key, record.ledger_from_at, until)
    settled = {run.slot_at for run in kept}
    if record.watch.job:
        yield from _job_holes(tx, record, at)
    elif schedule.relative:
        return
    slot = min((run.slot_at for run in kept if run.slot_at), default=None)
    for _ in range(MAX_SLOTS):
        if slot is None or slot >= until:
            return
        if slot not in settled:
            yield Finding("no slot without a line", record.slug, f"nothing is known of {slot}")
        slot = schedule.after(slot)


def _job_holes(tx: Tx, record: Record, at: datetime) -> Iterator[Finding]:
    job = jobs.by_watch(tx, *record.key)
    if job is None:
        yield Finding("every job has its action", record.slug, "the job is gone")
    elif job.next_at is None or job.next_at < at - LAG:
        yield Finding("the scheduler keeps up", record.slug, f"the slot of {job.next_at} waits")


def _flips_chain(tx: Tx) -> Iterator[Finding]:
    for workspace_id, watch_id in ledger.all_watches(tx):
        status = None
        for flip in ledger.all_flips(tx, workspace_id, watch_id):
            if status is not None and flip["from_status"] != status:
                yield Finding("flips are gapless", watch_id, f"flip {flip['id']} is out of line")
            status = flip["to_status"]
        record = watches.by_id(tx, workspace_id, watch_id)
        if record and status is not None and status != str(record.watch.status):
            yield Finding("the last flip is the status", record.slug, f"{status} was flipped to")


def _flips_told(tx: Tx) -> Iterator[Finding]:
    """Every flip that a rule of its time sends to a channel has its delivery there."""
    for workspace_id in retention.workspace_ids(tx):
        for rule, created_at in channels.rules_with_age(tx, workspace_id):
            for flip in ledger.untold_flips(tx, rule.channel_id, workspace_id):
                event = event_of(flip["from_status"], flip["to_status"])
                record = watches.by_id(tx, workspace_id, flip["watch_id"])
                if event is None or record is None or flip["at"] < created_at + LAG:
                    continue
                if matches(rule, event, record.id, record.tags, record.project):
                    yield Finding("every flip is told", record.slug, f"flip {flip['id']}")
