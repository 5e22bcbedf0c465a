"""The audit: proves from the database alone that nothing was lost, doubled or left untold."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from itertools import pairwise

from dogwatch.core.alerts import event_of
from dogwatch.core.rulebook import Rulebook
from dogwatch.core.schedule import Schedule
from dogwatch.store import jobs, ledger, probes, retention, rules, watches
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record

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
    return [*_slots_once(tx), *_nothing_stuck(tx), *_whole(tx, at), *_flips_told(tx)]


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
    for row in ledger.stalled_steps(tx):
        yield Finding("workflows go on", row["run_id"], f"the node {row['node']} stands still")
    for row in ledger.forgotten_effects(tx):
        yield Finding("what follows is done", row["run_id"], f"nothing will do action {row['seq']}")
    for row in ledger.stuck_deliveries(tx):
        yield Finding("every flip is told", row["watch_id"] or "", f"delivery {row['id']} is stuck")
    for row in ledger.unexplained(tx):
        where = row["watch_id"] or ""
        yield Finding("every silence has a reason", where, f"delivery {row['id']} has none")
    for row in ledger.endless_incidents(tx):
        where = f"incident {row['number']}"
        yield Finding("incidents end", where, "nothing of it goes on, and it is open")


def _whole(tx: Tx, at: datetime) -> Iterator[Finding]:
    for workspace_id, watch_id in ledger.all_watches(tx):
        record = watches.by_id(tx, workspace_id, watch_id)
        if record:
            yield from _holes(tx, record, at)
            yield from _broken_chain(tx, record)


def _holes(tx: Tx, record: Record, at: datetime) -> Iterator[Finding]:
    """Every slot between the start of the ledger and the owed slot has its line."""
    schedule, until = record.watch.plan.schedule, record.watch.slot_at
    if record.fault:
        yield Finding("every schedule can be followed", record.slug, record.fault)
    if schedule is None or until is None:
        return
    if record.watch.job:
        yield from _job_holes(tx, record, at)
    elif schedule.relative:
        return
    settled = ledger.slots(tx, *record.key, record.ledger_from_at, until)
    holes = [
        (missing, known)
        for slot, known in pairwise([*settled, until])
        if (missing := schedule.after(slot)) and missing < known
    ]
    stretches = ledger.stretches(tx, *record.key) if holes else ()
    for missing, known in holes:
        slot_at = _unaccounted(schedule, missing, stretches)
        if slot_at and slot_at < known:
            yield Finding("no slot without a line", record.slug, f"nothing is known of {slot_at}")


def _unaccounted(
    schedule: Schedule, slot: datetime, stretches: Sequence[tuple[datetime, datetime]]
) -> datetime | None:
    """Return the first slot from `slot` on that no line stands for, were there none of its own.

    Where the clock was set back, later slots have lines of their own amid a stretch.
    """
    at: datetime | None = slot
    while at and (ends := [told_at for since, told_at in stretches if since < at <= told_at]):
        at = schedule.after(max(ends))
    return at


def _job_holes(tx: Tx, record: Record, at: datetime) -> Iterator[Finding]:
    job = jobs.by_watch(tx, *record.key)
    if record.probe:
        for due_at in probes.stuck(tx, record.key, at - LAG):
            yield Finding("the probes keep up", record.slug, f"the turn of {due_at} waits")
    elif job is None:
        yield Finding("every job has its action", record.slug, "the job is gone")
    elif job.next_at is None or job.next_at < at - LAG:
        yield Finding("the scheduler keeps up", record.slug, f"the slot of {job.next_at} waits")


def _broken_chain(tx: Tx, record: Record) -> Iterator[Finding]:
    """A watch enters each status as often as it leaves it, but for the first and the present one.

    Counted, not followed: pings of the past and clocks set back leave no order to go by.
    """
    status = str(record.watch.status)
    flips = list(ledger.all_flips(tx, *record.key))
    entered = Counter(flip["to_status"] for flip in flips)
    left = Counter(flip["from_status"] for flip in flips)
    first = (left + Counter([status])) - entered
    if flips and (first.total() != 1 or not entered[status]):
        yield Finding("flips are gapless", record.slug, f"they do not lead to {status}")


def _flips_told(tx: Tx) -> Iterator[Finding]:
    """Every flip that a rule of its time sends to a channel has its delivery there."""
    record_of = cache(partial(watches.by_id, tx))
    for workspace_id in retention.workspace_ids(tx):
        aged = rules.with_age(tx, workspace_id)
        made_at = {rule.id: created_at for rule, created_at in aged}
        book = Rulebook.of(rule for rule, _ in aged)
        for flip, told in ledger.flips_and_told(tx, workspace_id) if made_at else ():
            event = event_of(flip["from_status"], flip["to_status"])
            record = record_of(workspace_id, flip["watch_id"]) if event else None
            if event is None or record is None or flip["at"] < record.updated_at:
                continue  # it may have had other tags
            for rule in book.sending(event, *record.traits):
                if rule.channel_id not in told and flip["at"] >= made_at[rule.id] + LAG:
                    yield Finding("every flip is told", record.slug, f"flip {flip['id']}")
