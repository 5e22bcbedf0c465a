"""The export of a workspace, as a download: noted in the audit log before it is handed out."""

from contextlib import closing
from datetime import datetime
from typing import IO

from fastapi import Response
from fastapi.responses import StreamingResponse

from dogwatch.usecases import audit_log, workspaces
from dogwatch.usecases.callers import Caller
from dogwatch.usecases.door import Tx
from dogwatch.web.aside import aside, chunks
from dogwatch.web.services import Services

LINES = "application/jsonl"
HEADERS = {"Content-Disposition": 'attachment; filename="workspace.jsonl"'}


async def takeout(services: Services, caller: Caller, at: datetime) -> Response:
    """Return every row of the caller's workspace, without secrets, as JSON lines."""
    here, door = caller.workspace_id, services.door
    await door.awrite(lambda tx: audit_log.note(tx, caller, workspaces.EXPORT, "", at), here)
    async with services.copying:
        file = await door.aread(lambda tx: _saved(tx, here), here)
    return StreamingResponse(chunks(file), 200, HEADERS, LINES)


def _saved(tx: Tx, workspace_id: int) -> IO[bytes]:
    with closing(workspaces.export(tx, workspace_id)) as lines:  # else it might hold its snapshot
        return aside(lambda file: file.writelines(line.encode() + b"\n" for line in lines))
