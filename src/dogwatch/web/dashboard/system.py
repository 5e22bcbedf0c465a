"""System: is Dogwatch itself healthy?"""

import gzip
from collections.abc import Generator
from contextlib import closing
from typing import IO

from fastapi import Response
from fastapi.responses import StreamingResponse

from dogwatch import __version__
from dogwatch.core.problems import Problem
from dogwatch.usecases import audit_log, system
from dogwatch.usecases.callers import require
from dogwatch.usecases.system import System
from dogwatch.web.aside import aside, chunks
from dogwatch.web.dashboard.pages import DOWNLOADED, rendered
from dogwatch.web.dashboard.visit import Visit
from dogwatch.web.latest import Latest

# Of the data directory's disk: with less, something is soon refused.
FREE_SHARE, GB = 0.05, 10**9
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
    found, problems = await seen(visit)
    return rendered(
        visit, "system.html", system=found, words=WORDS, version=__version__,
        database=visit.services.dialect, wrong=len(problems), problems=problems,
        disk=_free(visit), outside=visit.services.outside_heartbeat,
    )  # fmt: skip


async def seen(visit: Visit) -> tuple[System, list[str]]:
    """Return how Dogwatch is, and what is wrong, in words."""
    require(visit.caller, "workspaces.list")
    found = await _latest(visit).get()
    problems = found.problems
    if _is_full(visit):
        problems.append(f"the disk of the data directory is nearly full: {_free(visit)}")
    if visit.services.outside_heartbeat and (wrong := found.outside_heartbeat.wrong(visit.at)):
        problems.append(wrong)
    if visit.services.scripts_as_root:
        problems.append("scripts run as root; run Dogwatch as a user of its own")
    return found, problems


async def back_up(visit: Visit) -> Response:
    """Answer with a backup of everything, which `dogwatch restore` takes."""
    require(visit.caller, "workspaces.list")
    copy = visit.services.copy
    if copy is None:
        raise Problem("refused", "this process makes no backups; use dogwatch backup")
    await visit.write(
        lambda tx: audit_log.note(tx, visit.caller, system.BACKUP, "", visit.at, instance=True)
    )
    async with visit.services.copying:
        file = await visit.read(lambda tx: _packed(copy(tx)))
    name = f"dogwatch-{visit.at:%Y-%m-%d}.gz"
    headers = {**DOWNLOADED, "Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(chunks(file), 200, headers, "application/gzip")


def _is_full(visit: Visit) -> bool:
    whole, _, free = visit.services.disk()
    return free < FREE_SHARE * whole


def _free(visit: Visit) -> str:
    whole, _, free = visit.services.disk()
    return f"{free / GB:,.1f} GB free of {whole / GB:,.1f} GB"


def _packed(lines: Generator[str, None, None]) -> IO[bytes]:
    def pack(file: IO[bytes]) -> None:
        with gzip.open(file, "wt", encoding="utf-8", compresslevel=6) as packed:
            packed.writelines(f"{line}\n" for line in lines)

    with closing(lines):  # else it might hold its snapshot
        return aside(pack)


def _latest(visit: Visit) -> Latest[System]:
    """Return what is asked once for all open pages; a million watches take a while to count."""
    state, services = visit.request.app.state, visit.services
    if not hasattr(state, "system"):

        async def work() -> System:
            return await services.door.aread(lambda tx: system.state(tx, services.clock.now()))

        state.system = Latest(work, services.clock, rest=10)
    latest: Latest[System] = state.system
    return latest
