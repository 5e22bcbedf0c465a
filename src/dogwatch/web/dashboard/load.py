"""The load calendar: when does how much begin in the coming week?"""

from fastapi import Response

from dogwatch.core.instants import iso
from dogwatch.core.load import busiest
from dogwatch.usecases import load
from dogwatch.usecases.callers import require
from dogwatch.usecases.load import Load
from dogwatch.web.dashboard.pages import rendered
from dogwatch.web.dashboard.pictures import calendar
from dogwatch.web.dashboard.pictures.alone import Picture
from dogwatch.web.dashboard.visit import Visit


async def show(visit: Visit) -> Response:
    """Show how many runs begin in each hour of the next seven days."""
    found = await _found(visit)
    days = calendar.days_of(found, visit.zone)
    return rendered(visit, "load.html", found=found, days=days, drawn=calendar.drawn(days))


async def drawn(visit: Visit) -> Picture:
    """Return the picture."""
    found = await _found(visit)
    hour, most = busiest(found.counts)
    told = {
        "begin_at": iso(found.begin_at),
        "hours": [round(count, 2) for count in found.counts],
        "busiest": {"hour": hour, "count": round(most, 2)},
        "rough": found.rough,
    }
    return Picture(calendar.drawn(calendar.days_of(found, visit.zone)), told)


async def _found(visit: Visit) -> Load:
    require(visit.caller, "watches.list")
    return await visit.see(lambda tx: load.load_of(tx, visit.workspace_id, visit.at))
