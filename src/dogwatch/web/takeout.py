"""The export of a workspace, as a download: noted in the audit log before it is handed out."""

import tempfile
from collections.abc import Iterator
from datetime import datetime
from typing import IO

from fastapi import Response
from fastapi.responses import StreamingResponse

from dogwatch.usecases import audit_log, workspaces
from dogwatch.usecases.callers import Caller
from dogwatch.usecases.door import Door, Tx

LINES = "application/jsonl"
HEADERS = {"Content-Disposition": 'attachment; filename="workspace.jsonl"'}

_CHUNK = 256 * 1024


async def takeout(door: Door, caller: Caller, at: datetime) -> Response:
    """Return every row of the caller's workspace, without secrets, as JSON lines."""
    here = caller.workspace_id
    await door.awrite(lambda tx: audit_log.note(tx, caller, workspaces.EXPORT, "", at), here)
    file = await door.aread(lambda tx: _saved(tx, here), here)
    return StreamingResponse(_chunks(file), 200, HEADERS, LINES)


def _saved(tx: Tx, workspace_id: int) -> IO[bytes]:
    """Write the export aside, so that no slow reader keeps the transaction open."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  (closed by who reads it)
    for line in workspaces.export(tx, workspace_id):
        file.write(line.encode() + b"\n")
    file.seek(0)
    return file


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk
