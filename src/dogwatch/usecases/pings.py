"""Pings: a batch of them heard, attributed, judged and written in one transaction."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from dogwatch.core.ping import Answer, Heard, Kind
from dogwatch.core.problems import Problem
from dogwatch.core.result import Outcome
from dogwatch.core.signals import Finish, Signal, Start
from dogwatch.core.spec import WatchSpec
from dogwatch.ids import ids_of
from dogwatch.store import pings, watches, workspaces
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases import assigning
from dogwatch.usecases.signals import Change, apply_many
from dogwatch.usecases.watches import add

# A ping that tells a time older than this was kept back by its sender.
PAST = timedelta(seconds=2)
# What is expected of a watch that a ping asked for, until its owner says more.
BORN = WatchSpec(name="", schedule="every 1d", start_by_s=3600)

Key = tuple[int, str]


def record(tx: Tx, batch: Sequence[Heard], at: datetime, *, tried: bool = False) -> list[Answer]:
    """Record a batch; the answers are in its order. A known watch always counts the ping.

    `tried`: the batch was sent before and the answer was lost; what is recorded is left alone.
    """
    found, made = _find(tx, batch, at)
    locked = {record.key: record for record in found if record}
    by_watch: dict[Key, list[Heard]] = {key: [] for key in locked}
    for heard, record in zip(batch, found, strict=True):
        if record:
            by_watch[record.key].append(heard)
    new = _unrecorded(tx, by_watch) if tried and by_watch else by_watch
    ids = iter(ids_of([heard.at for many in new.values() for heard in many]))
    apply_many(tx, [_change(locked[key], many, ids, at) for key, many in new.items()], at)
    return [_answer(record, made) for record in found]


def _unrecorded(tx: Tx, by_watch: Mapping[Key, list[Heard]]) -> dict[Key, list[Heard]]:
    times = {heard.at for many in by_watch.values() for heard in many}
    known = pings.recorded(tx, by_watch.keys(), times)
    new = {
        key: [one for one in many if (*key, one.at, str(one.kind), one.rid) not in known]
        for key, many in by_watch.items()
    }
    return {key: many for key, many in new.items() if many}


def _answer(record: Record | None, made: set[Key]) -> Answer:
    """Say what became of a ping; the first one of a watch that was made takes it from `made`."""
    if record is None:
        return Answer.UNKNOWN
    if record.key not in made:
        return Answer.RECORDED
    made.remove(record.key)
    return Answer.CREATED


def _find(tx: Tx, batch: Sequence[Heard], at: datetime) -> tuple[list[Record | None], set[Key]]:
    """Return and lock the watch of each ping; also those made because a ping asked for one."""
    keys = {heard.key for heard in batch if heard.key}
    named = [heard for heard in batch if not heard.key]
    if not named:
        by_key = watches.by_ping_keys(tx, keys)
        return [by_key.get(heard.key) for heard in batch], set()
    known = watches.keys_of_pings(tx, keys)
    by_name, made = _by_name(tx, named, at)
    found = [known.get(heard.key) if heard.key else by_name.get(_name(heard)) for heard in batch]
    locked = watches.by_ids(tx, {key for key in found if key})
    return [locked.get(key) if key else None for key in found], made


def _by_name(
    tx: Tx, batch: Sequence[Heard], at: datetime
) -> tuple[dict[tuple[str, str], Key], set[Key]]:
    """Return the watches by workspace key and slug, and those that were made."""
    owners = workspaces.by_ping_keys(tx, {heard.workspace_key for heard in batch})
    asked = [heard for heard in batch if heard.workspace_key in owners]
    slugs = {_name(heard): (owners[heard.workspace_key].id, heard.slug) for heard in asked}
    known = watches.keys_of_slugs(tx, set(slugs.values()))
    wanted = {slugs[_name(heard)] for heard in asked if heard.create} - known.keys()
    to_all = {slugs[_name(heard)] for heard in asked if heard.to_all}
    made = {key for slug in sorted(wanted) if (key := _make(tx, *slug, at, to_all=slug in to_all))}
    known |= watches.keys_of_slugs(tx, wanted)
    return {name: known[slug] for name, slug in slugs.items() if slug in known}, made


def _name(heard: Heard) -> tuple[str, str]:
    return heard.workspace_key, heard.slug


def _make(tx: Tx, workspace_id: int, slug: str, at: datetime, *, to_all: bool) -> Key | None:
    """Make a watch for a slug; None where it cannot be, or where a rival has just made it."""
    try:
        record = add(tx, workspace_id, replace(BORN, name=slug, slug=slug), at)
    except Problem:
        return None
    if to_all:
        with suppress(Problem):  # as many as there may be rules; the ping counts all the same
            assigning.assign_all(tx, record, at)
    return record.key


def _change(record: Record, many: Sequence[Heard], ids: Iterator[str], at: datetime) -> Change:
    """Return what pings of one watch do to it; each takes one of `ids`."""
    told = zip(many, ids, strict=False)
    signals = [signal for heard, own_id in told if (signal := _signal(heard, own_id, at))]
    return Change(record, signals, heard=many)


def _failure(exit_code: int | None) -> tuple[Outcome, str]:
    """Return what an exit status means: 124 by timeout(1), 126 and 127 by the shells' custom."""
    if not exit_code:
        return Outcome.FAIL, "it reported a failure"
    told = f"exit status {exit_code}"
    match exit_code:
        case 124:
            return Outcome.TIMEOUT, f"timed out ({told})"
        case 126:
            return Outcome.FAIL, f"the command cannot be run ({told})"
        case 127:
            return Outcome.FAIL, f"the command was not found ({told})"
    return Outcome.FAIL, told


def _signal(heard: Heard, run_id: str, at: datetime) -> Signal | None:
    told_at = at if at - heard.at > PAST else None
    match heard.kind:
        case Kind.START:
            return Start(heard.at, run_id, heard.rid, told_at)
        case Kind.OK:
            outcome, told = Outcome.OK, ""
        case Kind.FAIL:
            outcome, told = _failure(heard.exit_code)
        case Kind.LOG:
            return None
    return Finish(heard.at, run_id, outcome, heard.rid, told, heard.duration_ms, told_at)
