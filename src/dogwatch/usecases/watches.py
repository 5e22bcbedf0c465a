"""Watches: making, changing, pausing and removing them, and judging silence."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.exc import IntegrityError

from dogwatch.core.decision import Held
from dogwatch.core.probe.pace import first_slot
from dogwatch.core.problems import Problem, invalid
from dogwatch.core.result import Outcome
from dogwatch.core.signals import Edit, Lapse, Pause, Resume, Skip
from dogwatch.core.slots import MAX_WALK, STRETCH, walked
from dogwatch.core.spec import MAX_LIMIT_S, RANGES, WatchSpec, check, check_due, slug_of
from dogwatch.core.watch import Status, Watch, create, wake_at
from dogwatch.ids import new_ids, new_token
from dogwatch.store import (
    deliveries,
    dependencies,
    flows,
    jobs,
    pauses,
    probes,
    schedule_edits,
    tasks,
    watches,
)
from dogwatch.store.schedule_edits import ScheduleEdit
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases import hooks, incidents, keeping, lateness
from dogwatch.usecases.allowances import admit_watches
from dogwatch.usecases.holding import wake_held
from dogwatch.usecases.signals import Change, apply, apply_many

PING_KEY_BITS = 96
BATCH = 500
SLUGS_TRIED = 100

_log = structlog.get_logger("dogwatch.watches")


def add(
    tx: Tx, workspace_id: int, spec: WatchSpec, at: datetime, *, job: bool = False,
    probe: bool = False, workflow: bool = False,
) -> Record:  # fmt: skip
    """Make a watch; a slug that is taken is a conflict, one not given is made from the name."""
    found = add_many(tx, workspace_id, [spec], at, job=job, probe=probe, workflow=workflow)
    return found[0]


def add_many(
    tx: Tx, workspace_id: int, specs: Sequence[WatchSpec], at: datetime, *, job: bool = False,
    probe: bool = False, workflow: bool = False,
) -> list[Record]:  # fmt: skip
    """Make watches of one kind, in few statements where all have slugs."""
    checked = [check(spec) for spec in specs]
    for spec in checked:
        check_due(spec, at)
    admit_watches(tx, workspace_id, len(checked))
    records = [
        replace(_new(workspace_id, one, spec, at, job=job), probe=probe, workflow=workflow)
        for one, spec in zip(new_ids(at, len(checked)), checked, strict=True)
    ]
    if probe:
        records = [_own_slot(record, at) for record in records]
    if all(record.slug for record in records):
        _insert(tx, *records)
    else:
        records = [_slugged(tx, record) for record in records]
    lateness.arm(tx, records, at)
    return records


def _slugged(tx: Tx, record: Record) -> Record:
    """Insert a watch, under a slug that is free if none is given."""
    if record.slug:
        _insert(tx, record)
        return record
    workspace_id = record.workspace_id
    taken = set(watches.taken_slugs(tx, workspace_id, slug_of(record.name)))
    for _ in range(SLUGS_TRIED):  # rivals who commit meanwhile take slugs that looked free
        record = replace(record, slug=slug_of(record.name, taken))
        with suppress(Problem):
            _insert(tx, record)
            return record
        taken.add(record.slug)
    raise Problem("conflict", "slug: too many watches of this name are made at once; try again")


def _insert(tx: Tx, *records: Record) -> None:
    with _unique_slug(tx, *records):
        watches.add(tx, *records)


def _new(workspace_id: int, watch_id: str, spec: WatchSpec, at: datetime, *, job: bool) -> Record:
    return Record(
        workspace_id=workspace_id,
        id=watch_id,
        slug=spec.slug or "",
        ping_key=_new_key(),
        watch=create(spec.plan(job=job), at, job=job),
        created_at=at,
        updated_at=at,
        ledger_from_at=at,
        **_said(spec),
    )


def _new_key() -> str:
    """Return a ping key. It has a capital: without, the command line takes it for a slug."""
    key = ""
    while key == key.lower():
        key = new_token(PING_KEY_BITS)
    return key


def _said(one: WatchSpec | Record) -> dict[str, Any]:
    """Return what a watch keeps of its spec as it is."""
    return {name: getattr(one, name) for name in _KEPT}


_KEPT = ("name", "description", "tags", "project", "schedule", "timezone", "starts_at")


@contextmanager
def _unique_slug(tx: Tx, *records: Record) -> Iterator[None]:
    """Word a doubled slug as a conflict, inside a savepoint so that the transaction lives on."""
    try:
        with tx.conn.begin_nested():
            yield
    except IntegrityError:
        keys = {(one.workspace_id, one.slug) for one in records}
        taken = watches.keys_of_slugs(tx, keys) if len(keys) > 1 else keys
        message = f"{', '.join(sorted(slug for _, slug in taken))} is taken"
        raise Problem("conflict", f"slug: {message}", {"slug": message}) from None


def find(tx: Tx, workspace_id: int, name: str, *, lock: bool = False) -> Record:
    """Return the watch with this id or slug, or raise not_found."""
    record = watches.by_name(tx, workspace_id, name, lock=lock)
    if record is None:
        raise Problem("not_found", f"there is no watch {name!r}")
    return record


def of_ids(tx: Tx, workspace_id: int, ids: Collection[str]) -> dict[str, Record]:
    """Return those of these watches that there are, by id."""
    return watches.look(tx, workspace_id, ids) if ids else {}


def slugs_of(tx: Tx, workspace_id: int, ids: Collection[str]) -> dict[str, str]:
    """Return the slugs of these watches by id."""
    return {own_id: record.slug for own_id, record in of_ids(tx, workspace_id, ids).items()}


def slugs(tx: Tx, workspace_id: int, limit: int) -> Sequence[str]:
    """Return the slugs of a workspace by the alphabet, so many at most."""
    return watches.slugs(tx, workspace_id, limit)


def free_slug(tx: Tx, record: Record, name: str) -> str:
    """Return the slug that a watch gets by this name, its own if that fits it."""
    taken = set(watches.taken_slugs(tx, record.workspace_id, slug_of(name))) - {record.slug}
    return slug_of(name, taken)


def exists(tx: Tx, workspace_id: int, watch_id: str) -> bool:
    """Whether there still is a watch."""
    return watches.by_id(tx, workspace_id, watch_id) is not None


def pinged(tx: Tx, ping_key: str) -> Record | None:
    """Return the watch behind a ping key, in whatever workspace."""
    key = watches.keys_of_pings(tx, [ping_key]).get(ping_key)
    return watches.by_id(tx, *key) if key else None


def is_paused(record: Record) -> bool:
    """Whether nothing is expected of a watch now."""
    return record.watch.status is Status.PAUSED


def spec_of(record: Record) -> WatchSpec:
    """Return what the owner of a watch said of it."""
    limits = {name: getattr(record.watch.plan, name) for name in RANGES}
    return WatchSpec(slug=record.slug, **_said(record), **limits)


def edit(tx: Tx, record: Record, spec: WatchSpec, at: datetime) -> Record:
    """Change a locked watch; a changed schedule counts from now on and judges nothing before.

    What is kept in a manifest is changed there.
    """
    refuse_kept(tx, record)
    return _edit(tx, record, spec, at)


def refuse_kept(tx: Tx, record: Record) -> None:
    """Raise a conflict for a watch that is kept in a manifest."""
    keeping.refuse(tx, record.workspace_id, (keeping.ITEM, record.id), record.slug)


def _edit(tx: Tx, record: Record, spec: WatchSpec, at: datetime) -> Record:
    spec = check(replace(spec, slug=None if spec.slug == record.slug else spec.slug))
    said = (record.schedule, record.timezone, record.starts_at)
    if (spec.schedule, spec.timezone, spec.starts_at) != said:
        check_due(spec, at)
    before = record.watch
    plan = spec.plan(job=before.job)
    record = apply(tx, Change(record, [Edit(at, plan)]), at)
    now = record.watch
    moved = (now.slot_at, plan.schedule) != (before.slot_at, before.plan.schedule)
    record = replace(
        record,
        slug=spec.slug or record.slug,
        **_said(spec),
        updated_at=at,
        ledger_from_at=at if moved else record.ledger_from_at,
        due_at=wake_at(record.watch),
    )
    with _unique_slug(tx, record):
        watches.save(tx, record)
    record = _reschedule(tx, record, at) if moved else record
    lateness.arm(tx, [record], at)
    if (record.schedule, record.timezone) != said[:2]:
        line = _line(*said[:2]), _line(record.schedule, record.timezone)
        schedule_edits.add(tx, ScheduleEdit(*record.key, at, *line))
    return record


def _line(schedule: str | None, timezone: str) -> str:
    return f"{schedule}, {timezone}" if schedule else "no schedule"


def pause(tx: Tx, record: Record, at: datetime, until_at: datetime | None = None) -> Record:
    """Expect nothing of a locked watch, and run nothing on schedule, until it is resumed.

    `until_at`: when it resumes by itself; of one that is paused, nothing else changes.
    """
    if until_at is not None and not at < until_at <= at + timedelta(seconds=MAX_LIMIT_S):
        raise invalid("until_at", "give a time to come, within a year")
    pauses.drop(tx, record.key)
    if until_at is not None:
        pauses.put(tx, record.key, until_at)
        tx.wake("sweep")
    if is_paused(record):
        return record
    return _rearmed(tx, apply(tx, Change(record, [Pause(at)]), at), at)


def resume_due(tx: Tx, at: datetime, limit: int = BATCH) -> int:
    """Resume the watches whose pause has ended; return how many pauses were looked at."""
    records = watches.by_ids(tx, pauses.over(tx, at, limit))
    for key in pauses.over(tx, at, limit):  # again, now that they are locked
        if key in records:
            pauses.drop(tx, key)
            with suppress(Problem):  # a job that has had all its runs stays as it is
                resume(tx, records[key], at)
    return len(records)


def resume(tx: Tx, record: Record, at: datetime, *, fresh: bool = False) -> Record:
    """Expect again from `at` on; what was due meanwhile is never judged.

    `fresh`: the watch is as if it had never been heard.
    """
    if record.watch.job:
        _allow_again(tx, record)
    record = apply(tx, Change(record, [Resume(at, fresh)]), at)
    pauses.drop(tx, record.key)
    if fresh:
        record = replace(record, last_ping_at=None)
    return _rearmed(tx, record, at)


def switch(tx: Tx, record: Record, at: datetime, *, on: bool) -> Record:
    """Resume a locked watch, or pause it, unless it is so."""
    if is_paused(record) is not on:
        return record
    return resume(tx, record, at) if on else pause(tx, record, at)


def _allow_again(tx: Tx, record: Record) -> None:
    """Raise conflict for a job that has had all its runs, unless resuming resets the count."""
    job = jobs.by_watch(tx, *record.key)
    if job is None or not job.spent:
        return
    if not job.policy.reset_on_resume:
        told = f"it has had its {job.run_count} runs; reset its count, or raise max_runs"
        raise Problem("conflict", told, {"max_runs": told})
    jobs.reset(tx, *record.key)


def rearm(tx: Tx, record: Record, at: datetime) -> Record:
    """Have a locked watch that owes no slot owe the next one again."""
    without = replace(record.watch, plan=replace(record.watch.plan, schedule=None))
    return _edit(tx, replace(record, watch=without), spec_of(record), at)


def remove(tx: Tx, record: Record) -> None:
    """Delete a watch with its job, runs, pings, flips, deliveries and what is queued for it."""
    dependencies.replace_parents(tx, *record.key, ())
    incidents.forget_watch(tx, *record.key)
    wake_held(tx, record.workspace_id, Held.PARENT, tasks.EVER)
    if record.workflow:
        flows.cancel_children(tx, *record.key, "its workflow was removed")
    hooks.drop(tx, record)
    tasks.drop_of_watch(tx, *record.key)
    deliveries.remove_of_watch(tx, *record.key)
    keeping.let_go(tx, record.workspace_id, (keeping.ITEM, record.id))
    watches.remove(tx, record)


def skip(tx: Tx, record: Record, reason: str, at: datetime) -> None:
    """Have a locked job or probe run no slot until `at`: what became of them is unknown."""
    if record.watch.slot_at is None or record.fault:
        return
    if not record.probe:
        record = apply(tx, Change(record, _passed(record.watch, reason, at), "schedule"), at)
    _reschedule(tx, record, at)


def _passed(watch: Watch, reason: str, at: datetime) -> list[Skip]:
    """Return signals by which a job lets all slots pass that are due at `at`."""
    slots = walked(watch.plan, watch.slot_at, at) if watch.slot_at else ()
    return [
        Skip(at, slot, watch.plan.after(slot), Outcome.UNKNOWN,
             STRETCH if number == MAX_WALK else reason)
        for number, slot in enumerate(slots, 1)
    ]  # fmt: skip


def _rearmed(tx: Tx, record: Record, at: datetime) -> Record:
    record = replace(record, updated_at=at, ledger_from_at=at)
    watches.save(tx, record)
    return _reschedule(tx, record, at)


def _reschedule(tx: Tx, record: Record, at: datetime) -> Record:
    """Have a job run, or a probe asked, in its next slot; that of a probe is spread."""
    if record.probe:
        return spread(tx, record, at)
    if record.watch.job:
        jobs.set_next(tx, record.workspace_id, record.id, record.watch.slot_at)
        tx.wake("schedule")
    return record


def spread(tx: Tx, record: Record, at: datetime) -> Record:
    """Have a probe owe the first slot after `at` that is its own, and be asked then."""
    if record.watch.slot_at is not None:
        record = _own_slot(record, at)
        watches.save(tx, record)
    probes.arrange(tx, record.key, probes.locations(tx, record.key), record.watch.slot_at)
    return record


def _own_slot(record: Record, at: datetime) -> Record:
    """Return a probe that owes the first slot after `at` that is its own, if it owes any."""
    if record.watch.slot_at is None:
        return record
    slot_at = first_slot(record.watch.plan.schedule, record.id, at)
    return replace(record, watch=replace(record.watch, slot_at=slot_at), ledger_from_at=at)


def lapse(tx: Tx, at: datetime, limit: int = BATCH, until_at: datetime | None = None) -> int:
    """Judge the silence of watches whose hint has come; return how many were looked at.

    `until_at`: the time up to which silence proves something, where that is not the present.
    """
    until_at = until_at or at
    records = watches.due(tx, until_at, limit)
    sound = [_armed_anew(tx, record, at) for record in records if not record.fault]
    apply_many(tx, [Change(record, [Lapse(until_at, at)]) for record in sound], at, exact=True)
    _leave_alone(tx, [record for record in records if record.fault], at)
    return len(records)


def _armed_anew(tx: Tx, record: Record, at: datetime) -> Record:
    """Return a watch that was heard while its schedule could not be followed, owing again."""
    watch = record.watch
    schedule = watch.plan.schedule
    owing = watch.slot_at or watch.job or watch.status is Status.PAUSED or not watch.begun
    if owing or schedule is None or schedule.relative or not schedule.after(at):
        return record
    return rearm(tx, record, at)


def _leave_alone(tx: Tx, records: Sequence[Record], at: datetime) -> None:
    """Look again in an hour whether the schedules of these can be followed, and say so."""
    for record in records:
        _log.warning("cannot be judged", watch=record.slug, id=record.id, why=record.fault)
    watches.look_again(tx, records, at + watches.FAULT_PAUSE)
