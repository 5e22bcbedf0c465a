"""/workspace: whose key this is."""

from fastapi import Response

from dogwatch.usecases import lists
from dogwatch.web.api.auth import needs, resource
from dogwatch.web.api.call import Called, shown
from dogwatch.web.api.wire import WorkspaceOut

router = resource("workspace")


@router.get("", response_model=WorkspaceOut, **needs("read:watches"))
async def show_workspace(call: Called) -> Response:
    """Show the workspace of the key."""
    found = await call.read(lambda tx: lists.workspace(tx, call.workspace_id))
    return shown(WorkspaceOut.of(found))
