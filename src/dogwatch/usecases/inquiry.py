"""What somebody wants to know of an incident at night: what changed, and what each item said."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dogwatch.core.result import BAD, GOOD
from dogwatch.core.watch import phase
from dogwatch.store import audit_log, manifests, schedule_edits, variables, watches
from dogwatch.store.audit_log import Entry
from dogwatch.store.incidents import Incident, members
from dogwatch.store.manifests import ITEM
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases import lists, overview
from dogwatch.usecases.lists import Run
from dogwatch.usecases.overview import Strip

BEFORE = timedelta(hours=24)
MOST_ITEMS, MOST_MEMBERS, MOST_CHANGES, MOST_SEEN = 3, 200, 12, 500
RUNS, CHUNKS, LINES = 60, 2_000, 12
_WORDS = {
    "variables.set": "set variable",
    "variables.change": "changed variable",
    "variables.delete": "deleted variable",
    "manifests.apply": "applied a file",
    "watches.change": "changed",
    "jobs.change": "changed job",
    "probes.change": "changed probe",
    "workflows.change": "changed flow",
    "workflows.restore": "restored flow",
}
# Done to no item, yet of weight for those that use it, or are kept in it.
_FILE = "manifests.apply"
_AROUND = frozenset({"variables.set", "variables.change", "variables.delete", _FILE})


@dataclass(frozen=True, slots=True)
class Changed:
    """Somebody did something that may matter."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Said:
    """A run and the last lines that it said."""

    run: Run
    text: str


@dataclass(frozen=True, slots=True)
class Concerned:
    """One item of an incident: its strip, what it said when it failed, and when it was good."""

    record: Record
    phase: str
    strip: Strip
    failed: Said | None
    good: Said | None


def concerned(tx: Tx, incident: Incident, at: datetime) -> list[Concerned]:
    """Return the first items of an incident."""
    workspace_id = incident.workspace_id
    ids = [one.watch_id for one in members(tx, workspace_id, incident.id, MOST_ITEMS)]
    records = list(watches.look(tx, workspace_id, ids).values())
    strips = overview.strips_of(tx, workspace_id, records, at, overview.CELL, overview.CELLS)
    return [
        Concerned(record, phase(record.watch, at), strips[record.id], *_said(tx, record, incident))
        for record in sorted(records, key=lambda one: one.slug)
    ]


def _said(tx: Tx, record: Record, incident: Incident) -> Iterator[Said | None]:
    """Yield the last bad run until the end of the incident, and the last good one before that."""
    found = lists.run_page(tx, record.workspace_id, RUNS, "", {"watch_id": record.id})
    until_at = incident.closed_at
    past = [one for one in found if not until_at or (one.finished_at or until_at) <= until_at]
    bad = next((n for n, one in enumerate(past) if one.outcome in BAD), None)
    yield None if bad is None else _told(tx, past[bad])
    good = next((one for one in past[bad or 0 :] if one.outcome in GOOD), None)
    yield None if good is None else _told(tx, good)


def _told(tx: Tx, run: Run) -> Said:
    _, chunks = lists.output(tx, run.workspace_id, run.id, -1, CHUNKS)
    lines = "".join(text for _, _, text in chunks).splitlines()
    return Said(run, "\n".join(lines[-LINES:]) or (run.preview or ""))


def changes(tx: Tx, incident: Incident, *, people: bool) -> Sequence[Changed]:
    """Return what was changed in the day before an incident: its items first, newest first.

    Of the rest of the workspace only what concerns them: variables that they use, and the files
    that they are kept in. `people`: whether what is in the audit log may be told.
    """
    workspace_id, until_at = incident.workspace_id, incident.opened_at
    from_at = until_at - BEFORE
    ids = [one.watch_id for one in members(tx, workspace_id, incident.id, MOST_MEMBERS)]
    records = watches.look(tx, workspace_id, ids)
    found = [
        Changed(one.at, f"schedule of {records[one.watch_id].name}: {one.before} → {one.after}")
        for one in schedule_edits.since(tx, workspace_id, list(records), from_at)
        if one.at <= until_at
    ]
    found += _made(records.values(), from_at, until_at)
    noted: Sequence[Entry] = ()
    if people:
        noted = audit_log.since(tx, workspace_id, from_at, until_at, _WORDS, MOST_SEEN)
    names = {own: one.name for one in records.values() for own in (one.id, one.slug)}
    found += [
        _done(one, names[one.object])
        for one in noted
        if one.operation not in _AROUND and one.object in names
    ]
    around = [_done(one, one.object) for one in _around(tx, workspace_id, records, noted)]
    return [*_newest(found), *_newest(around)][:MOST_CHANGES]


def _made(records: Iterable[Record], from_at: datetime, until_at: datetime) -> Iterator[Changed]:
    """Yield which items were made in a stretch; of many at once only how many, and the last."""
    new = [one for one in records if from_at <= one.created_at <= until_at]
    if len(new) > MOST_ITEMS:
        yield Changed(max(one.created_at for one in new), f"{len(new)} of its items were made")
        return
    for one in new:
        yield Changed(one.created_at, f"{one.name} was made")


def _around(
    tx: Tx, workspace_id: int, records: Mapping[str, Record], noted: Sequence[Entry]
) -> Iterator[Entry]:
    """Yield what was done to a variable that one of the watches uses, or to a file of one."""
    around = [one for one in noted if one.operation in _AROUND]
    kept = manifests.all_kept(tx, workspace_id) if around else {}
    files = {kept.get((ITEM, one)) for one in records}
    keys = {one.object for one in around if one.operation != _FILE}
    used = {use.key for use in variables.uses(tx, workspace_id, keys) if use.watch_id in records}
    for one in around:
        if one.object in (files if one.operation == _FILE else used):
            yield one


def _done(one: Entry, name: str) -> Changed:
    return Changed(one.at, f"{one.actor} {_WORDS[one.operation]} {name}")


def _newest(found: Iterable[Changed]) -> list[Changed]:
    return sorted(found, key=lambda one: one.at, reverse=True)
