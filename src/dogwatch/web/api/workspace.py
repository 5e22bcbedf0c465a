"""/workspace: whose key this is."""

import os
import pwd

from fastapi import Response

from dogwatch.usecases import lists
from dogwatch.web.api.auth import needs, resource
from dogwatch.web.api.call import Called, shown
from dogwatch.web.api.wire import WorkspaceOut

router = resource("workspace")


@router.get("", response_model=WorkspaceOut, **needs("workspace.show"))
async def show_workspace(call: Called) -> Response:
    """Show the workspace of the key."""
    found = await call.read(lambda tx: lists.workspace(tx, call.workspace_id))
    user = _own_user() if call.services.scripts_on else None
    return shown(WorkspaceOut.of(found, user, may_ping=call.may_ping))


def _own_user() -> str:
    """Return the system user of this process, by number where it has no name."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
