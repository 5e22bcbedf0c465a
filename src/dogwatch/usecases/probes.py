"""Probes: a watch together with what we ask for it, how often again, and from where."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from dogwatch.core.probe import target as targets
from dogwatch.core.probe.quorum import LOCATION, MAX_LOCATIONS
from dogwatch.core.probe.target import Target
from dogwatch.core.problems import Problem, refuse
from dogwatch.core.run import CatchUp, LostRun, Policy
from dogwatch.core.spec import WatchSpec, beyond
from dogwatch.store import jobs, probes
from dogwatch.store.jobs import JobRow
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases.allowances import admit_monitors, admit_pace, admit_schedule, plan_in
from dogwatch.usecases.runs import action_of, seal_action
from dogwatch.usecases.watches import add_many as add_watches
from dogwatch.usecases.watches import edit as edit_watch
from dogwatch.usecases.watches import find as find_watch
from dogwatch.vault import Vault

KIND = "probe"
HERE = "here"
RANGES = {"rechecks": (0, 5), "recheck_after_s": (1, 60)}
WATCH_RANGES = {"failures_before_down": (1, 10)}


@dataclass(frozen=True, slots=True)
class ProbeSpec:
    """A probe as its owner describes it.

    A slot that begins badly is asked `rechecks` times more, `recheck_after_s` apart, before it
    counts as bad. It is asked at each of `locations`; `agree` of them must call it bad.
    """

    watch: WatchSpec
    target: Mapping[str, Any]
    rechecks: int = 2
    recheck_after_s: int = 2
    locations: tuple[str, ...] = (HERE,)
    agree: int = 1


@dataclass(frozen=True, slots=True)
class Probe:
    """What is asked, and who must agree; `recheck_after_s` lies between two of its attempts."""

    target: Target
    rechecks: int
    recheck_after_s: int
    locations: tuple[str, ...]
    agree: int


def add(tx: Tx, workspace_id: int, spec: ProbeSpec, vault: Vault, at: datetime) -> Record:
    """Make a probe with its watch."""
    return add_many(tx, workspace_id, [spec], vault, at)[0]


def add_many(
    tx: Tx, workspace_id: int, specs: Sequence[ProbeSpec], vault: Vault, at: datetime
) -> list[Record]:
    """Make probes with their watches, in few statements where all have slugs."""
    targets = [check(spec) for spec in specs]
    admit_monitors(tx, workspace_id, [KIND] * len(specs))
    asked = [spec.watch for spec in specs]
    records = add_watches(tx, workspace_id, asked, at, job=True, probe=True)
    plan = plan_in(tx, workspace_id)
    for record in records:
        admit_pace(plan, record.watch.plan.schedule, at)
    every = list(zip(records, specs, targets, strict=True))
    jobs.add(tx, *(_row(record, spec, target, vault) for record, spec, target in every))
    probes.add(tx, [(one.key, spec.locations, one.watch.slot_at) for one, spec, _ in every])
    return records


def edit(tx: Tx, record: Record, spec: ProbeSpec, vault: Vault, at: datetime) -> Record:
    """Change a probe whose watch is locked; what is asked right now still counts."""
    target = check(spec)
    before = record
    record = edit_watch(tx, record, spec.watch, at)
    if record.schedule != before.schedule:
        admit_schedule(tx, record.workspace_id, record.watch.plan.schedule, at)
    jobs.save(tx, _row(record, spec, target, vault))
    if list(probes.locations(tx, record.key)) != sorted(spec.locations):
        probes.arrange(tx, record.key, spec.locations, record.watch.slot_at)
    return record


def find(tx: Tx, workspace_id: int, name: str, *, lock: bool = False) -> tuple[Record, JobRow]:
    """Return a probe by its id or slug, or raise not_found."""
    record = find_watch(tx, workspace_id, name, lock=lock)
    job = jobs.by_watch(tx, *record.key)
    if job is None or not record.probe:
        raise Problem("not_found", f"{record.slug} is no probe")
    return record, job


def spec_of(job: JobRow, watch: WatchSpec, vault: Vault) -> ProbeSpec:
    """Return what the owner of a probe said of it, given its `watch` part."""
    stored = action_of(vault, job)
    return ProbeSpec(
        watch, stored["target"], job.policy.max_attempts - 1, job.policy.backoff_s,
        tuple(stored["locations"]), stored["agree"],
    )  # fmt: skip


def probe_of(job: JobRow, vault: Vault) -> Probe:
    """Return what is to be asked; what was read once is remembered."""
    return _opened(job.action, job.workspace_id, job.watch_id, job.policy, vault)


@lru_cache(maxsize=20_000)
def _opened(sealed: bytes, workspace_id: int, watch_id: str, policy: Policy, vault: Vault) -> Probe:
    job = JobRow(workspace_id, watch_id, KIND, sealed, policy, None)
    stored = action_of(vault, job)
    return Probe(
        targets.from_json(stored["target"]), policy.max_attempts - 1, policy.backoff_s,
        tuple(stored["locations"]), stored["agree"],
    )  # fmt: skip


def check(spec: ProbeSpec) -> dict[str, Any]:
    """Return the target in its stored form; a Problem names every bad field."""
    bad: dict[str, str] = {}
    target: dict[str, Any] = {}
    try:
        target = targets.to_json(targets.from_json(dict(spec.target)))
    except Problem as problem:
        bad |= {f"target.{field}": message for field, message in problem.fields.items()}
    if not spec.watch.schedule:
        bad["schedule"] = "is required: how often to ask, such as 60 for once a minute"
    bad |= _bad_numbers(spec) | _bad_locations(spec)
    refuse(bad)
    return target


def _bad_numbers(spec: ProbeSpec) -> dict[str, str]:
    bad = beyond(RANGES, spec) | beyond(WATCH_RANGES, spec.watch)
    if not 1 <= spec.agree <= max(len(spec.locations), 1):
        bad["agree"] = "give a whole number from 1 to the number of locations"
    return bad


def _bad_locations(spec: ProbeSpec) -> dict[str, str]:
    named = spec.locations
    once = 1 <= len(named) <= MAX_LOCATIONS and len(set(named)) == len(named)
    if once and all(re.fullmatch(LOCATION, name) for name in named):
        return {}
    return {
        "locations": f"give 1 to {MAX_LOCATIONS} different names of a-z, 0-9 and -; "
        f"{HERE} is where the server is"
    }


def _row(record: Record, spec: ProbeSpec, target: Mapping[str, Any], vault: Vault) -> JobRow:
    stored = {"target": dict(target), "locations": list(spec.locations), "agree": spec.agree}
    sealed = seal_action(vault, record.workspace_id, record.id, stored)
    policy = Policy(
        catch_up=CatchUp.NONE,
        max_attempts=spec.rechecks + 1,
        backoff_s=spec.recheck_after_s,
        lost_run=LostRun.RERUN,
    )
    return JobRow(record.workspace_id, record.id, KIND, sealed, policy, None)
