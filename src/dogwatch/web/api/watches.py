"""/watches: what is expected, and what was heard."""

from fastapi import Response

from dogwatch.core.spec import WatchSpec
from dogwatch.usecases import lists, statistics, watches, workflows
from dogwatch.usecases.callers import require
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import Record
from dogwatch.web.api.asked import Nothing, WatchChange, WatchNew
from dogwatch.web.api.auth import needs, resource
from dogwatch.web.api.call import Call, Called, Name, shown
from dogwatch.web.api.filters import Kind, Status, Text, given
from dogwatch.web.api.pages import Paged
from dogwatch.web.api.pausing import Pausing, Turn, paused_by
from dogwatch.web.api.wire import (
    FlipOut,
    PageOf,
    PingOut,
    RunOut,
    StatisticsOut,
    WatchOut,
    WindowOut,
)

router = resource("watches")


def written(tx: Tx, record: Record, call: Call) -> WatchOut:
    """Return the shape of a watch as it is in the transaction."""
    return WatchOut.of(lists.view(tx, record, call.at), call.pings)


def _locked(tx: Tx, call: Call, name: str) -> Record:
    """Return a watch to be changed; that of a job asks for the scope of jobs, too."""
    record = watches.find(tx, call.workspace_id, name, lock=True)
    if record.watch.job:
        require(call.caller, f"{record.kind}s.change")
    return record


@router.get("", response_model=PageOf[WatchOut], **needs("watches.list"))
async def list_watches(
    call: Called, page: Paged, kind: Kind = None, status: Status = None, tag: Text = None,
    project: Text = None, slug: Text = None,
) -> Response:  # fmt: skip
    """List watches, oldest first."""
    filters = given(kind=kind, status=status, tag=tag, project=project, slug=slug)
    found = await call.read(
        lambda tx: lists.watch_page(tx, call.workspace_id, page.size, page.after, filters, call.at)
    )
    return page.answer(found, lambda v: WatchOut.of(v, call.pings), lambda v: v.record.id)


@router.post("", response_model=WatchOut, status_code=201, **needs("watches.make"))
async def make_watch(call: Called, body: WatchNew) -> Response:
    """Make a watch: something that runs elsewhere and pings when it did."""
    spec = body.spec(WatchSpec(name=body.name))

    def made(tx: Tx) -> WatchOut:
        return written(tx, watches.add(tx, call.workspace_id, spec, call.at), call)

    return await call.post(201, made, "watches")


@router.get("/{name}", response_model=WatchOut, **needs("watches.show"))
async def show_watch(call: Called, name: Name) -> Response:
    """Show a watch."""
    view = await call.read(lambda tx: lists.watch(tx, call.workspace_id, name, call.at))
    return shown(WatchOut.of(view, call.pings))


@router.patch("/{name}", response_model=WatchOut, **needs("watches.change"))
async def change_watch(call: Called, name: Name, body: WatchChange) -> Response:
    """Change a watch; what is not sent stays, null clears."""

    def changed(tx: Tx) -> WatchOut:
        record = _locked(tx, call, name)
        spec = body.spec(watches.spec_of(record))
        return written(tx, _edited(tx, call, record, spec), call)

    return shown(await call.write(changed))


def _edited(tx: Tx, call: Call, record: Record, spec: WatchSpec) -> Record:
    """Change a watch; of a workflow that is a version, too."""
    if not record.workflow:
        return watches.edit(tx, record, spec, call.at)
    vault, by = call.services.vault, call.caller.name
    return workflows.edit_watch_of(tx, record, spec, vault, call.at, by)


@router.delete("/{name}", status_code=204, **needs("watches.delete"))
async def remove_watch(call: Called, name: Name) -> Response:
    """Delete a watch with all that was kept of it."""
    await call.write(lambda tx: watches.remove(tx, _locked(tx, call, name)))
    return Response(status_code=204)


@router.post("/{name}/pause", response_model=WatchOut, **needs("watches.pause"))
async def pause_watch(call: Called, name: Name, body: Pausing | None = None) -> Response:
    """Expect nothing until it is resumed, by somebody or by its time."""
    return await turned(call, name, paused_by(body, call.at))


@router.post("/{name}/resume", response_model=WatchOut, **needs("watches.resume"))
async def resume_watch(call: Called, name: Name, _: Nothing | None = None) -> Response:
    """Expect again from now on; what was due meanwhile is never judged."""
    return await turned(call, name, watches.resume)


async def turned(call: Call, name: str, turn: Turn) -> Response:
    """Pause or resume a watch."""

    def done(tx: Tx) -> WatchOut:
        record = _locked(tx, call, name)
        return written(tx, turn(tx, record, call.at), call)

    return await call.post(200, done)


@router.get("/{name}/statistics", response_model=StatisticsOut, **needs("watches.statistics"))
async def show_statistics(call: Called, name: Name) -> Response:
    """Show uptime and durations over 24 hours, 7, 30 and 90 days; our own outages are gaps."""
    found = await call.read(lambda tx: statistics.windows(tx, call.workspace_id, name, call.at))
    return shown(StatisticsOut(windows=list(map(WindowOut.of, found))))


@router.get("/{name}/pings", response_model=PageOf[PingOut], **needs("watches.pings"))
async def list_pings(call: Called, name: Name, page: Paged) -> Response:
    """List the pings of a watch, newest first."""
    before = page.number
    found = await call.read(
        lambda tx: lists.ping_page(tx, call.workspace_id, name, page.size, before)
    )
    return page.answer(found, PingOut.of, lambda row: row["id"])


@router.get("/{name}/runs", response_model=PageOf[RunOut], **needs("watches.runs"))
async def list_runs_of_watch(call: Called, name: Name, page: Paged) -> Response:
    """List the runs of a watch, newest first."""
    found = await call.read(
        lambda tx: lists.run_page(tx, call.workspace_id, page.size, page.after, {"watch": name})
    )
    return page.answer(found, RunOut.of, lambda run: run.id)


@router.get("/{name}/flips", response_model=PageOf[FlipOut], **needs("watches.flips"))
async def list_flips_of_watch(call: Called, name: Name, page: Paged) -> Response:
    """List the changes of a watch's status, newest first."""
    found = await call.read(
        lambda tx: lists.flip_page(tx, call.workspace_id, page.size, page.after, {"watch": name})
    )
    return page.answer(found, FlipOut.of, lambda flip: flip.id)
