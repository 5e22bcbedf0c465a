"""/workspace: whose key this is."""

import os
import pwd
from typing import Annotated

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from dogwatch.core.isolation import Least, Level
from dogwatch.usecases import lists, workspaces
from dogwatch.usecases.door import Tx
from dogwatch.usecases.workspaces import Workspace
from dogwatch.web.api.auth import needs, resource
from dogwatch.web.api.body import Body
from dogwatch.web.api.call import Call, Called, shown
from dogwatch.web.api.wire import WorkspaceOut
from dogwatch.web.takeout import HEADERS, LINES, takeout

router = resource("workspace")


class WorkspaceChange(Body):
    """Another name, or the least isolation of scripts."""

    name: Annotated[str | None, Field(min_length=1, max_length=200, pattern=r"\S")] = None
    least_isolation: Least | None = None


class WorkspaceRemoval(Body):
    """The name of the workspace that shall be gone, so that none goes by mistake."""

    name: str


@router.get("", response_model=WorkspaceOut, **needs("workspace.show"))
async def show_workspace(call: Called) -> Response:
    """Show the workspace of the key."""
    found = await call.read(lambda tx: lists.workspace(tx, call.workspace_id))
    return _shown(call, found)


def _shown(call: Call, workspace: Workspace) -> Response:
    here = call.services
    level: Level = here.isolation if here.scripts_on else "off"
    user = _own_user() if level == "trusted" else None
    return shown(WorkspaceOut.of(workspace, user, level, may_ping=call.may_ping))


@router.patch("", response_model=WorkspaceOut, **needs("workspace.change"))
async def change_workspace(call: Called, body: WorkspaceChange) -> Response:
    """Give the workspace another name, or demand another isolation of its scripts."""
    return _shown(call, await call.write(lambda tx: _changed(tx, call.workspace_id, body)))


def _changed(tx: Tx, workspace_id: int, body: WorkspaceChange) -> Workspace:
    if body.name is not None:
        workspaces.rename(tx, workspace_id, body.name)
    if body.least_isolation is not None:
        workspaces.demand(tx, workspace_id, body.least_isolation)
    return workspaces.get(tx, workspace_id)


@router.delete("", status_code=204, **needs("workspace.delete"))
async def remove_workspace(call: Called, body: WorkspaceRemoval) -> Response:
    """Delete the workspace with everything in it, this key included.

    `GET /workspace/export` comes first, an hour before at most: else 409.
    """
    await call.write(lambda tx: workspaces.remove(tx, call.workspace_id, body.name, call.at))
    return Response(status_code=204)


@router.get("/export", responses={200: {"content": {LINES: {}}}}, **needs("workspace.export"))
async def export_workspace(request: Request, call: Called) -> Response:
    """Download every row of the workspace, without secrets: lines `["table", {column: value}]`.

    It is noted in the audit log, which is part of it.
    """
    if request.method == "HEAD":
        return StreamingResponse(iter(()), 200, HEADERS, LINES)
    return await takeout(call.services, call.caller, call.at)


def _own_user() -> str:
    """Return the system user of this process, by number where it has no name."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
