"""Asking: probes are claimed in batches, and each answer settles its slot in one transaction."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from dogwatch.core import statistics
from dogwatch.core.probe.pace import current_slot, put_off
from dogwatch.core.probe.quorum import agreed
from dogwatch.core.problems import Problem
from dogwatch.core.result import Result
from dogwatch.core.signals import Answer
from dogwatch.core.statistics import Tally
from dogwatch.core.watch import Status, Step
from dogwatch.ids import new_id
from dogwatch.store import jobs, probes, rollups, runs, untaken, watches
from dogwatch.store.jobs import JobRow
from dogwatch.store.probes import Key, Place, Release, Said, Turn
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases.probes import Probe, probe_of
from dogwatch.usecases.signals import Change, apply_steps
from dogwatch.vault import Vault

_log = structlog.get_logger("dogwatch.probing")


@dataclass(frozen=True, slots=True)
class Question:
    """A probe to be asked now for a slot; `rechecks` more times if it begins badly."""

    place: Place
    node_id: str
    slot_at: datetime
    probe: Probe
    rechecks: int

    @property
    def key(self) -> Key:
        """The watch."""
        return self.place[:2]


@dataclass(frozen=True, slots=True)
class Reply:
    """A question and what came of it."""

    question: Question
    result: Result
    started_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class _Settled:
    """A slot that has its outcome."""

    record: Record
    reply: Reply
    result: Result
    run_id: str

    def signal(self) -> Answer:
        reply, result = self.reply, self.result
        slot_at = reply.question.slot_at
        return Answer(
            reply.at, self.run_id, slot_at, self.record.watch.plan.after(slot_at),
            result.outcome, result.reason, reply.started_at, result.duration_ms,
        )  # fmt: skip


# --- claiming ---------------------------------------------------------------------------------


def claim(
    tx: Tx, location: str, node_id: str, at: datetime, limit: int, vault: Vault
) -> list[Question]:
    """Take probes that are due at a location; those overdue since we were away are spread."""
    turns = probes.due(tx, location, at, limit)
    keys = {turn.key for turn in turns}
    records, known = watches.seen(tx, keys), jobs.by_watches(tx, keys)
    later: dict[Place, datetime | None] = {}
    ready: list[tuple[Turn, Question]] = []
    for turn in turns:
        record, job = records.get(turn.key), known.get(turn.key)
        wait_until = _wait_until(turn, record, at)
        if record is None or job is None or wait_until is not at:
            later[turn.place] = wait_until if record and job else None
        elif question := _question(turn, record, job, node_id, at, vault):
            ready.append((turn, question))
        else:
            later[turn.place] = at + watches.FAULT_PAUSE
    probes.put_off(tx, later)
    probes.hold(tx, [turn for turn, _ in ready], node_id)
    if ready:
        untaken.taken(tx, location, at)
    questions = [question for _, question in ready]
    _close_open(tx, questions, at)
    return questions


def _wait_until(turn: Turn, record: Record | None, at: datetime) -> datetime | None:
    """Return `at` itself for what is to be asked now, when else, or None for not any more."""
    if record is None:
        return None
    if record.fault:
        return at + watches.FAULT_PAUSE
    owed_at = record.watch.slot_at
    if owed_at is None or record.watch.status is Status.PAUSED:
        return None
    if owed_at > at:
        return owed_at
    return put_off(record.watch.plan, turn.due_at, record.id, at) or at


def _question(
    turn: Turn, record: Record, job: JobRow, node_id: str, at: datetime, vault: Vault
) -> Question | None:
    try:
        probe = probe_of(job, vault)
    except Problem as problem:  # one that cannot be read must not hold up the others
        _log.warning("cannot be asked", watch=record.slug, id=record.id, why=problem.message)
        return None
    watch = record.watch
    slot_at = current_slot(watch.plan, watch.slot_at or at, at)
    rechecks = 0 if watch.status is Status.DOWN else probe.rechecks
    return Question(turn.place, node_id, slot_at, probe, rechecks)


def _close_open(tx: Tx, questions: Sequence[Question], at: datetime) -> None:
    """Settle earlier slots of several locations whose time is up, by what was said of them."""
    several = {one.key: one for one in questions if len(one.probe.locations) > 1}
    if not several:
        return
    said = probes.said(tx, several)
    overdue = {
        key: slot_at for key in several if (slot_at := _said_of(said.get(key, {}))) is not None
    }
    settled = []
    for key, record in watches.by_ids(tx, overdue).items():
        question, slot_at = several[key], overdue[key]
        owed_at = record.watch.slot_at
        if owed_at is None or not owed_at <= slot_at < question.slot_at:
            continue
        results = _results(said[key], slot_at)
        probe = question.probe
        result = agreed(results, len(probe.locations), probe.agree, over=True)
        if result:
            old = Question(question.place, question.node_id, slot_at, probe, 0)
            settled.append(_Settled(record, Reply(old, result, at, at), result, new_id(at)))
    _write(tx, settled, at)


def _said_of(said: Mapping[str, Said]) -> datetime | None:
    """Return the latest slot that somebody has said something of."""
    return max((one.slot_at for one in said.values() if one.slot_at), default=None)


def _results(said: Mapping[str, Said], slot_at: datetime) -> dict[str, Result]:
    return {
        location: one.result
        for location, one in said.items()
        if one.slot_at == slot_at and one.result
    }


# --- settling ---------------------------------------------------------------------------------


def finish(tx: Tx, replies: Sequence[Reply], at: datetime) -> None:
    """Settle the slots that were asked for, and have each probe asked again in its turn."""
    if not replies:
        return
    records = watches.by_ids(tx, {reply.question.key for reply in replies})
    said = probes.said(tx, {one.question.key for one in replies if _several(one)})
    settled, kept = [], {}
    for reply in replies:
        record = records.get(reply.question.key)
        result = _outcome(reply, said.get(reply.question.key, {}))
        if record and result:
            settled.append(_Settled(record, reply, result, new_id(reply.at)))
        elif record:
            kept[reply.question.place] = Said(reply.question.slot_at, reply.result)
    after = dict(records)
    for record in _write(tx, settled, at):
        after[record.key] = record
    probes.release(tx, list(_releases(replies, after, kept, at)))


def _several(reply: Reply) -> bool:
    return len(reply.question.probe.locations) > 1


def _outcome(reply: Reply, said: Mapping[str, Said]) -> Result | None:
    """Return what the slot comes to, None while other locations still have their say."""
    question = reply.question
    if not _several(reply):
        return reply.result
    results = _results(said, question.slot_at) | {question.place[2]: reply.result}
    probe = question.probe
    return agreed(results, len(probe.locations), probe.agree)


def _releases(
    replies: Sequence[Reply], records: Mapping[Key, Record], kept: Mapping[Place, Said],
    at: datetime,
) -> Iterator[Release]:  # fmt: skip
    """Yield each probe with its next turn, which is now where the answer took longer."""
    for reply in replies:
        question = reply.question
        record = records.get(question.key)
        if record is None:
            continue
        next_at = record.watch.slot_at
        if next_at is not None and next_at <= question.slot_at:
            next_at = record.watch.plan.after(question.slot_at)
        next_at = next_at and max(next_at, at)
        said = kept.get(question.place, Said(None, None))
        yield Release(question.place, question.node_id, next_at, said)


def _write(tx: Tx, settled: Sequence[_Settled], at: datetime) -> list[Record]:
    """Apply the answers; write what was seen, and count it; return the watches afterwards."""
    if not settled:
        return []
    changes = [
        Change(one.record, [one.signal()], "schedule", status_code=one.result.status_code)
        for one in settled
    ]
    done = apply_steps(tx, changes, at)
    counted: dict[rollups.Place, Tally] = {}
    results = {}
    for one, (record, steps) in zip(settled, done, strict=True):
        tally = _tally(steps)
        if not steps[0].lines:
            continue  # settled before, or paused meanwhile
        results[record.workspace_id, one.run_id] = one.result
        if tally:
            place = (*record.key, rollups.HOUR, rollups.hour_of(one.reply.at))
            counted[place] = tally
    runs.set_results(tx, results)
    rollups.add(tx, counted)
    return [record for record, _ in done]


def _tally(steps: Sequence[Step]) -> Tally | None:
    last = steps[0].lines[-1] if steps[0].lines else None
    if last is None or last.outcome is None:
        return None
    return statistics.of(last.outcome, last.duration_ms)


def put_back(tx: Tx, question: Question, at: datetime) -> None:
    """Have a probe asked for its next slot, though nothing was written of this one."""
    record = watches.seen(tx, [question.key]).get(question.key)
    next_at = record.watch.plan.after(question.slot_at) if record else None
    again_at = next_at and max(next_at, at)
    probes.release(tx, [Release(question.place, question.node_id, again_at)])
