"""The event stream of open pages: told at once that something changed, they ask what."""

from collections.abc import AsyncIterator

from fastapi import Response
from fastapi.responses import StreamingResponse

from dogwatch.usecases import people
from dogwatch.usecases.callers import require
from dogwatch.usecases.door import ALL_TOPICS, SESSIONS, page_of
from dogwatch.web.api.stream import wait, woken
from dogwatch.web.dashboard.pages import HEADERS, refused
from dogwatch.web.dashboard.visit import Visit

HEARTBEAT_S = 15.0
# Whoever hears of changes asks for the page: no oftener than that.
REST_S = 1.0
# After that the browser comes again, and shows anew who it is.
LIFE_S = 600.0
_CHANGED = "event: changed\ndata: 1\n\n"


async def show(visit: Visit) -> Response:
    """Tell of changes in the workspace until he is signed out, or the server stops.

    A page of another workspace than the one he is in by now is refused: it is to be loaded anew.
    """
    require(visit.caller, "watches.list")
    here = str(visit.workspace_id)
    if visit.request.query_params.get("workspace", here) != here:
        return refused()
    headers = {**HEADERS, "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(visit), 200, headers, "text/event-stream")


async def _events(visit: Visit) -> AsyncIterator[str]:
    services, workspace_id = visit.services, visit.workspace_id
    until = services.clock.monotonic() + LIFE_S
    pages = {page_of(workspace_id), page_of(None), *ALL_TOPICS}
    with (
        woken(services, frozenset(pages)) as changed,
        woken(services, ALL_TOPICS | {SESSIONS}) as doubted,
    ):
        yield "retry: 3000\n\n"
        while not services.stopping.is_set() and services.clock.monotonic() < until:
            await wait(changed, doubted, services.stopping, timeout_s=HEARTBEAT_S)
            if doubted.is_set():
                doubted.clear()
                if not await _still(visit, workspace_id):
                    yield _CHANGED  # so that each page finds out at once
                    return
            if not changed.is_set():
                yield ": still here\n\n"
                continue
            changed.clear()
            yield _CHANGED
            await wait(doubted, services.stopping, timeout_s=REST_S)


async def _still(visit: Visit, workspace_id: int) -> bool:
    """Whether he is signed in, and in the workspace, as he was."""
    vault, at = visit.services.vault, visit.services.clock.now()
    present = await visit.read(lambda tx: people.present(tx, visit.token, vault, at))
    return present is not None and any(
        one.workspace_id == workspace_id for one in present.memberships
    )
