"""Backup and restore: a consistent copy while running, and back into an empty store."""

import json
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Table
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from dogwatch import __version__
from dogwatch.core.problems import Problem
from dogwatch.store import backup
from dogwatch.store.tx import Tx

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
