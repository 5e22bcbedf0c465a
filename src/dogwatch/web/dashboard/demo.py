"""The examples: removed by one click."""

from fastapi import Response

from dogwatch.usecases import demo
from dogwatch.web.dashboard.pages import moved
from dogwatch.web.dashboard.visit import Visit


async def clear(visit: Visit) -> Response:
    """Remove the examples with all that was kept of them."""
    await visit.carry_out(
        "watches.delete", "the examples", lambda tx: demo.clear(tx, visit.workspace_id)
    )
    return moved(visit, "")
