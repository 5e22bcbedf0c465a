"""The end of a workspace: asked about, exported, and then removed."""

from fastapi import Response

from dogwatch.usecases import workspaces
from dogwatch.usecases.callers import require
from dogwatch.web.dashboard.pages import DOWNLOADED, moved, rendered
from dogwatch.web.dashboard.visit import Visit
from dogwatch.web.takeout import takeout


async def ask(visit: Visit) -> Response:
    """Ask whether the workspace shall really go, and offer its export."""
    require(visit.caller, "workspace.delete")
    workspace = await visit.see(lambda tx: workspaces.get(tx, visit.workspace_id))
    return rendered(visit, "workspace_remove.html", workspace=workspace)


async def export(visit: Visit) -> Response:
    """Answer with all that the workspace holds, secrets aside."""
    require(visit.caller, workspaces.EXPORT)
    answer = await takeout(visit.services, visit.caller, visit.at)
    answer.headers.update(DOWNLOADED)
    return answer


async def remove(visit: Visit) -> Response:
    """Remove the workspace with everything in it."""
    name = visit.form.get("name", "")
    await visit.carry_out(
        "workspace.delete", name,
        lambda tx: workspaces.remove(tx, visit.workspace_id, name, visit.at),
    )  # fmt: skip
    return moved(visit, "account")
