"""Pings: a batch of them heard, attributed, judged and written in one transaction."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from dogwatch.core.ping import Answer, Heard, Kind
from dogwatch.core.result import Outcome
from dogwatch.core.signals import Finish, Signal, Start
from dogwatch.core.spec import WatchSpec
from dogwatch.ids import new_id
from dogwatch.store import keys, pings, watches
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases.signals import Change, apply_many
from dogwatch.usecases.watches import add

# A ping that tells a time older than this was kept back by its sender.
PAST = timedelta(seconds=2)


def record(tx: Tx, batch: Sequence[Heard], at: datetime) -> list[Answer]:
    """Record a batch; the answers are in its order. A known watch always counts the ping."""
    found, created = _find(tx, batch, at)
    by_watch: dict[tuple[int, str], list[Heard]] = {}
    for heard, key in zip(batch, found, strict=True):
        if key:
            by_watch.setdefault(key, []).append(heard)
    locked = watches.by_ids(tx, by_watch)
    pings.add_many(tx, [(*key, heard) for key in locked for heard in by_watch[key]])
    apply_many(tx, [_change(locked[key], by_watch[key], at) for key in locked], at)
    made = set(created)
    answers = []
    for key in found:
        known = key is not None and key in locked
        answers.append(Answer.CREATED if key in made else _ANSWERS[known])
        made.discard(key or (0, ""))
    return answers


_ANSWERS = {True: Answer.RECORDED, False: Answer.UNKNOWN}


def _find(
    tx: Tx, batch: Sequence[Heard], at: datetime
) -> tuple[list[tuple[int, str] | None], list[tuple[int, str]]]:
    """Return the watch of each ping, and those that were made because a ping asked for it."""
    by_key = watches.keys_of_pings(tx, {heard.key for heard in batch if heard.key})
    by_workspace = keys.workspaces_by_ping_key(
        tx, {heard.workspace_key for heard in batch if heard.workspace_key}
    )
    found: list[tuple[int, str] | None] = []
    created: list[tuple[int, str]] = []
    for heard in batch:
        workspace = by_workspace.get(heard.workspace_key)
        if heard.key or workspace is None:
            found.append(by_key.get(heard.key))
            continue
        watch = watches.by_slug(tx, workspace.id, heard.slug)
        if watch is None and heard.create:
            spec = WatchSpec(name=heard.slug, slug=heard.slug, schedule="every 1d", start_by_s=3600)
            watch = add(tx, workspace.id, spec, at)
            created.append(watch.key)
        found.append(watch.key if watch else None)
    return found, created


def _change(record: Record, many: Sequence[Heard], at: datetime) -> Change:
    newest = max(heard.at for heard in many)
    last_ping_at = max(newest, record.last_ping_at) if record.last_ping_at else newest
    signals = [signal for heard in many if (signal := _signal(heard, at))]
    return Change(replace(record, last_ping_at=last_ping_at), signals)


def _signal(heard: Heard, at: datetime) -> Signal | None:
    past = at - heard.at > PAST
    match heard.kind:
        case Kind.START:
            return Start(heard.at, new_id(heard.at), heard.rid, past)
        case Kind.OK:
            return Finish(heard.at, new_id(heard.at), Outcome.OK, heard.rid, past=past)
        case Kind.FAIL:
            told = f"exit status {heard.exit_code}" if heard.exit_code else "it reported a failure"
            return Finish(heard.at, new_id(heard.at), Outcome.FAIL, heard.rid, told, past=past)
        case Kind.LOG:
            return None
