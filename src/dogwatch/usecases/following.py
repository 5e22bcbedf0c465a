"""Carrying out what follows runs: other jobs are queued, messages are put on their way."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from dogwatch.core.alerts import Event
from dogwatch.core.conditional import MAX_DEPTH, TOO_DEEP, ConditionalAction
from dogwatch.core.instants import iso
from dogwatch.core.problems import Problem
from dogwatch.core.result import GOOD, Outcome
from dogwatch.core.template import fill
from dogwatch.ids import new_id
from dogwatch.store import channels, effects, results, runs, tasks, watches
from dogwatch.store.deliveries import Delivery
from dogwatch.store.effects import LANE, Effect
from dogwatch.store.runs import Run
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases.facts import CHUNKS, alone, named
from dogwatch.usecases.holding import send_at_once
from dogwatch.usecases.runs import trigger

TRIGGER = "action"
MISTAKE = "Dogwatch made a mistake; its log says where"
OUTPUT_LENGTH = 4_000
_log = structlog.get_logger("dogwatch.following")
_STATUS = {Outcome.TIMEOUT: "timeout"}


def carry_out(tx: Tx, at: datetime, limit: int = 20) -> int:
    """Do what follows runs that have ended; return how many runs these were.

    The watches of the jobs that follow are locked before the tasks, as everywhere.
    """
    found = tasks.due(tx, LANE, at, limit)
    if not found:
        return 0
    noted = {
        (task.workspace_id, task.ref_id): effects.of_run(tx, task.workspace_id, task.ref_id)
        for task in found
    }
    targets = {(one.workspace_id, one.action.run) for own in noted.values() for one in own}
    watches.by_ids(tx, {key for key in targets if key[1]})
    held = tasks.lock_due(tx, found, at)
    for task in held:
        key = task.workspace_id, task.ref_id
        _follow(tx, key, noted[key], at)
        tasks.drop_refs(tx, LANE, [key])
    return len(held)


def _follow(tx: Tx, key: tuple[int, str], own: Sequence[Effect], at: datetime) -> None:
    run = runs.by_id(tx, *key)
    for effect in own:
        if run is None or effect.state != "waiting":
            continue
        effects.save(tx, _done(tx, run, effect, at))


def _done(tx: Tx, run: Run, effect: Effect, at: datetime) -> Effect:
    """Do what follows a run; one that cannot be done holds up no others, whatever the reason."""
    do = _run if effect.action.run else _send
    try:
        with tx.conn.begin_nested():
            return replace(effect, state="done", ref_id=do(tx, run, effect.action, at))
    except Problem as problem:
        return replace(effect, state="refused", reason=problem.message)
    except SQLAlchemyError:
        raise
    except Exception:
        _log.exception("what follows a run could not be done", run_id=run.id)
        return replace(effect, state="refused", reason=MISTAKE)


def _run(tx: Tx, cause: Run, action: ConditionalAction, at: datetime) -> str:
    """Queue a run of the job that follows, with the output as its input."""
    record = watches.by_id(tx, cause.workspace_id, action.run, lock=True)
    if record is None:
        raise Problem("not_found", "the job is gone")
    if cause.depth >= MAX_DEPTH:
        raise Problem("conflict", TOO_DEEP)
    handed = results.get(tx, cause.workspace_id, cause.id)
    made = trigger(tx, record, handed.output or "", at, TRIGGER)
    runs.mask_input(tx, made.workspace_id, made.id, handed.masked)
    runs.follow(tx, made.workspace_id, made.id, cause.id, cause.depth + 1)
    return made.id


def _send(tx: Tx, run: Run, action: ConditionalAction, at: datetime) -> str:
    """Put a message on its way."""
    channel = channels.by_id(tx, run.workspace_id, action.channel)
    if channel is None:
        raise Problem("not_found", "the channel is gone")
    record = watches.by_id(tx, run.workspace_id, run.watch_id)
    if record is None:
        raise Problem("not_found", "the job is gone")
    values = _values(tx, run, record)
    note = {"subject": fill(action.subject, values), "text": fill(action.message, values)}
    delivery = Delivery(
        run.workspace_id, new_id(at), None, record.id, channel.id, str(Event.NOTE),
        _facts(record, run, at) | {"note": note}, at,
    )  # fmt: skip
    send_at_once(tx, [delivery], at)
    return delivery.id


def _facts(record: Record, run: Run, at: datetime) -> dict[str, Any]:
    """Return what a message tells of the watch, beside somebody's own words."""
    status = str(record.watch.status)
    item = {
        **named(record),
        "event": str(Event.NOTE),
        "status": status,
        "previous_status": status,
        "since_at": at.isoformat(),
        "reason": run.reason,
        "duration_ms": run.duration_ms,
    }
    return alone("", item)


def _values(tx: Tx, run: Run, record: Record) -> Mapping[str, Any]:
    """Return the dictionary of templates, but for variables."""
    handed = results.get(tx, run.workspace_id, run.id)
    said = runs.output_tail(tx, run.workspace_id, run.id, CHUNKS)[-OUTPUT_LENGTH:]
    good = run.outcome in GOOD
    return {
        "event": {
            "id": record.id,
            "name": record.name,
            "slug": record.slug,
            "status": "success" if good else _STATUS.get(run.outcome or Outcome.FAIL, "failure"),
            "duration": run.duration_ms,
            "executionTime": iso(run.started_at),
            "server": "Local",
            "output": said,
            "error": None if good else run.reason,
            "reason": run.reason,
            "startedAt": iso(run.started_at),
            "finishedAt": iso(run.finished_at),
            "attempt": run.attempt,
            "exitCode": run.exit_code,
        },
        "run": {"id": run.id, "trigger": run.trigger},
        "input": _json(run.shown_input),
        "output": _json(handed.shown or ""),
        "condition": bool(handed.condition),
    }


def _json(text: str) -> Any:
    """Return the value of JSON text, or the text where it is none."""
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return text
