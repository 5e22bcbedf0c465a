"""Backup and restore: a consistent copy while running; restored, it acts on nothing old."""

import json
from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Table
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from dogwatch import __version__
from dogwatch.core.problems import Problem
from dogwatch.core.result import Outcome
from dogwatch.core.signals import Finish
from dogwatch.ids import new_id
from dogwatch.store import backup, deliveries, jobs, nodes, retention, tasks, watches
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases import incidents, lateness
from dogwatch.usecases.nodes import OUTAGE
from dogwatch.usecases.signals import Change, apply
from dogwatch.usecases.watches import skip

FORM = 1


@dataclass(frozen=True, slots=True)
class Head:
    """The first line of a copy: which program made it when, from which tables, under which key."""

    form: int
    version: str
    revision: str
    made_at: datetime
    secret_key: str | None

    def line(self) -> str:
        """Return the line."""
        values = {name: getattr(self, name) for name in Head.__slots__}
        return json.dumps(values | {"made_at": self.made_at.isoformat()})

    @classmethod
    def read(cls, line: str) -> "Head":
        """Return what the first line says; a Problem if this is no copy of ours."""
        try:
            values = json.loads(line)
            head = cls(**values | {"made_at": datetime.fromisoformat(values["made_at"])})
        except (ValueError, TypeError, KeyError):
            raise Problem("invalid", "this is no Dogwatch backup") from None
        if head.form != FORM:
            raise Problem("invalid", f"this backup was made by Dogwatch {head.version}; use that")
        return head


def copy(tx: Tx, revision: str, secret_key: str | None, at: datetime) -> Generator[str, None, None]:
    """Yield the copy line by line: the head, rows, and a last line that tells it is whole."""
    yield Head(FORM, __version__, revision, at, secret_key).line()
    count = 0
    for name in backup.names():
        for row in backup.rows(tx, name):
            count += 1
            yield json.dumps([name, row], separators=(",", ":"))
    yield json.dumps({"rows": count})


def restore(tx: Tx, lines: Iterable[str]) -> int:
    """Put a copy, after its head, into an empty store; return the rows. All or nothing."""
    if not backup.is_empty(tx):
        raise Problem("refused", "the store is not empty; restore into a new --data or database")
    targets, loaded, whole = backup.targets(tx), 0, None
    for name, entries in groupby(map(_entry, lines), key=lambda entry: entry[0]):
        if name == "":
            whole = next(entries)[1]
        elif name not in backup.names() or name not in targets:
            raise Problem("invalid", f"the backup has a table that is unknown here: {name}")
        else:
            loaded += _load(tx, targets[name], (row for _, row in entries))
    if loaded != whole:
        raise Problem("invalid", f"the backup is cut short: {loaded} of {whole or 'unknown'} rows")
    return loaded


def _load(tx: Tx, table: Table, rows: Iterable[dict[str, Any]]) -> int:
    try:
        return backup.load(tx, table, rows)
    except OperationalError:  # the database's own trouble
        raise
    except (SQLAlchemyError, ValueError, KeyError):
        raise _damaged() from None


def _entry(line: str) -> tuple[str, Any]:
    try:
        entry = json.loads(line)
        if isinstance(entry, dict):
            return "", int(entry["rows"])
        name, row = entry
        return str(name), dict(row)
    except (ValueError, TypeError, KeyError):
        raise _damaged() from None


def _damaged() -> Problem:
    return Problem("invalid", "the backup is damaged")


def lay_to_rest(tx: Tx, made_at: datetime, at: datetime) -> None:
    """Have a restored store send no old alert and run no old slot.

    Of incidents that are open people are reminded from now on, as of what is late.

    The time since the copy becomes a gap of ours at the next start, however short it was: what
    came meanwhile went to the old store.
    """
    reason = "restored from a backup: not sent again"
    rested = [
        replace(delivery, state="failed", reason=reason, settled_at=at, hold=None, due_at=at)
        for delivery in deliveries.unsettled(tx)
    ]
    deliveries.save_many(tx, rested)
    tasks.drop_all(tx)
    incidents.follow_again(tx, at)
    for workspace_id in retention.workspace_ids(tx):
        lateness.arm_all(tx, workspace_id, at)
    nodes.join(tx, new_id(made_at), "backup", min(made_at, at - OUTAGE))
    for key in jobs.keys(tx):
        for record in watches.by_ids(tx, [key]).values():
            _restart(tx, record, at)


def _restart(tx: Tx, record: Record, at: datetime) -> None:
    ended = [
        Finish(at, run.id, Outcome.UNKNOWN, reason="restored from a backup")
        for run in record.watch.open
    ]
    skip(tx, apply(tx, Change(record, ended), at), at)
