"""The audit log, read from the store itself."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import click

from dogwatch.cli.flags import server_flags
from dogwatch.cli.host import WORKSPACE, Visit, note_export, see
from dogwatch.cli.output import as_json, local, table
from dogwatch.cli.session import Session, command
from dogwatch.core.instants import iso
from dogwatch.usecases import audit_log
from dogwatch.usecases.audit_log import Entry

_COLUMNS = ("at", "workspace_id", "actor_kind", "actor", "operation", "object", "remote_ip")
_EXPORTED = ("id", *_COLUMNS, "actor_id", "detail")
_SHOWN, _MOST = 100, 2**31


@command(
    "audit-log",
    "dogwatch audit-log\ndogwatch audit-log -n 20\ndogwatch audit-log --all --csv > audit.csv",
)
@click.option("-n", "--limit", "limit", type=click.IntRange(1),
              help=f"How many, newest first; {_SHOWN} if not given, and all in CSV.")  # fmt: skip
@click.option("--csv", "as_csv", is_flag=True, help="Print all of it as CSV.")
@click.option("--all", "everywhere", is_flag=True, help="The whole instance, not one workspace.")
@WORKSPACE
@server_flags
def audit_log_command(
    session: Session, limit: int | None, as_csv: bool, everywhere: bool, **flags: Any
) -> None:
    """Show who did what to what, newest first."""
    most = limit or (_MOST if as_csv else _SHOWN)

    def found(visit: Visit) -> Sequence[Entry]:
        workspace_id = None if everywhere else visit.workspace_id
        return audit_log.page(visit.tx, workspace_id, most)

    if as_csv:
        note_export(session, {**flags}, "audit_log.export", instance=everywhere)
    rows = [_row(entry) for entry in see(session, flags, found)]
    if session.json:
        as_json(rows)
    elif as_csv:
        click.echo(_csv(rows), nl=False)
    else:
        table([{**row, "at": local(row["at"])} for row in rows], _COLUMNS)


def _row(entry: Entry) -> dict[str, Any]:
    values = {name: getattr(entry, name) for name in Entry.__slots__}
    return values | {"at": iso(entry.at)}


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    text = io.StringIO()
    sheet = csv.writer(text, lineterminator="\n")
    sheet.writerow(_EXPORTED)
    sheet.writerows([_cell(row[name]) for name in _EXPORTED] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> str:
    """Return text that no spreadsheet takes for a formula."""
    text = json.dumps(value) if isinstance(value, dict) else "" if value is None else str(value)
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
