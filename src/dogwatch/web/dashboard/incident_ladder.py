"""The ladder of an incident as a picture of its own."""

from dogwatch.usecases import incidents, ladder
from dogwatch.usecases.callers import require
from dogwatch.web.dashboard import facts
from dogwatch.web.dashboard.pictures import rungs
from dogwatch.web.dashboard.pictures.alone import Picture
from dogwatch.web.dashboard.visit import Visit


async def drawn(visit: Visit) -> Picture:
    """Return the picture of one."""
    require(visit.caller, "incidents.show")
    name = visit.name
    _, steps = await visit.see(
        lambda tx: ladder.ladder(tx, incidents.find(tx, visit.workspace_id, name))
    )
    return Picture(rungs.drawn(steps, visit.zone), await facts.incident(visit))
