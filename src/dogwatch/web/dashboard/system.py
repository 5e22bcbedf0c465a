"""System: is Dogwatch itself healthy?"""

from fastapi import Response

from dogwatch import __version__
from dogwatch.usecases import system
from dogwatch.usecases.callers import require
from dogwatch.usecases.system import System
from dogwatch.web.dashboard.pages import rendered
from dogwatch.web.dashboard.visit import Visit
from dogwatch.web.latest import Latest

WORDS = {
    "scheduler": "Scheduler: starts what is due",
    "sweeper": "Sweeper: judges silence",
    "alerter": "Alerter: lets go what was held",
    "http": "Requests that wait or run",
    "script": "Scripts that wait or run",
    "delivery": "Messages that wait or go",
}


async def show(visit: Visit) -> Response:
    """Show it to admins of the instance: it counts over all workspaces."""
    require(visit.caller, "workspaces.list")
    found = await _latest(visit).get()
    problems = found.problems
    if visit.services.scripts_as_root:
        problems.append("scripts run as root; run Dogwatch as a user of its own")
    return rendered(
        visit, "system.html", system=found, words=WORDS, version=__version__,
        database=visit.services.dialect, wrong=len(problems), problems=problems,
    )  # fmt: skip


def _latest(visit: Visit) -> Latest[System]:
    """Return what is asked once for all open pages; a million watches take a while to count."""
    state, services = visit.request.app.state, visit.services
    if not hasattr(state, "system"):

        async def work() -> System:
            return await services.door.aread(lambda tx: system.state(tx, services.clock.now()))

        state.system = Latest(work, services.clock, rest=10)
    latest: Latest[System] = state.system
    return latest
