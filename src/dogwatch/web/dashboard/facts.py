"""The facts of pages as JSON, in the words of the API."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pydantic import BaseModel

from dogwatch.core.instants import iso
from dogwatch.usecases import incidents, ladder, lists, overview, why
from dogwatch.usecases.callers import require
from dogwatch.usecases.door import Tx
from dogwatch.web.api.incidents import IncidentOut, StepOut
from dogwatch.web.api.surroundings import WhyOut
from dogwatch.web.api.wire import FlipOut, RunOut, WatchOut
from dogwatch.web.api.wire_workflows import TreeOut
from dogwatch.web.dashboard.flow import seen
from dogwatch.web.dashboard.incidents import listed
from dogwatch.web.dashboard.now import chosen_of
from dogwatch.web.dashboard.visit import Visit

MOST = 50
Facts = Mapping[str, Any]
Tell = Callable[[Visit], Awaitable[Facts]]


async def now(visit: Visit) -> Facts:
    """Return how many items are how, and those that the address chooses."""
    require(visit.caller, "watches.list")
    found = await visit.see(
        lambda tx: overview.now(tx, visit.workspace_id, chosen_of(visit), visit.at)
    )
    items = [
        {
            "slug": one.record.slug, "name": one.record.name, "kind": one.record.kind,
            "tags": one.record.tags, "phase": one.phase,
            "since_at": one.record.watch.since_at and iso(one.record.watch.since_at),
            "next_at": one.next_at and iso(one.next_at),
        }
        for one in found.items
    ]  # fmt: skip
    return {"at": iso(visit.at), "counts": found.counts, "total": found.total, "items": items}


async def item(visit: Visit) -> Facts:
    """Return one item, why it is as it is, and its last runs and changes."""
    require(visit.caller, "watches.show")

    def found(tx: Tx) -> Facts:
        view = lists.watch(tx, visit.workspace_id, visit.name, visit.at)
        only = {"watch_id": view.record.id}
        return {
            "watch": plain(WatchOut.of(view, None)),
            "why": plain(WhyOut.of(why.of_view(tx, view))),
            "runs": [
                plain(RunOut.of(one))
                for one in lists.run_page(tx, visit.workspace_id, MOST, "", only)
            ],
            "changes": [
                plain(FlipOut.of(one))
                for one in lists.flip_page(tx, visit.workspace_id, MOST, "", only)
            ],
        }

    return await visit.see(found)


async def run(visit: Visit) -> Facts:
    """Return one run."""
    require(visit.caller, "runs.output")
    run_id = str(visit.request.path_params["run_id"])
    found, _ = await visit.see(lambda tx: lists.run(tx, visit.workspace_id, run_id))
    return plain(RunOut.of(found))


async def incident_list(visit: Visit) -> Facts:
    """Return incidents as the address chooses them; `before` is what leads to those before."""
    found, _, more = await listed(visit)
    return {"incidents": [plain(IncidentOut.of(one)) for one in found], "before": more or None}


async def workflow(visit: Visit) -> Facts:
    """Return a workflow, the run that is shown of it, the runs and the versions."""
    page = await seen(visit)
    return {
        "slug": page.record.slug,
        "name": page.record.name,
        "phase": page.phase,
        "kept_in": page.kept,
        "run": page.tree and plain(TreeOut.of(page.tree, page.slugs)),
        "runs": [plain(RunOut.of(one)) for one in page.runs],
        "versions": [
            {"number": version.number, "made_at": iso(version.made_at), "made_by": version.made_by}
            for version, _ in page.versions
        ],
    }


async def incident(visit: Visit) -> Facts:
    """Return one incident with its ladder."""
    require(visit.caller, "incidents.show")
    view, steps = await visit.see(
        lambda tx: ladder.ladder(tx, incidents.find(tx, visit.workspace_id, visit.name))
    )
    told = [plain(StepOut.model_validate(one, from_attributes=True)) for one in steps]
    return {**plain(IncidentOut.of(view)), "watches": view.watches, "steps": told}


def plain(model: BaseModel) -> dict[str, Any]:
    """Return what the API would answer."""
    return model.model_dump(mode="json")


# By the address of the page; the front page has none, so it is called by its name.
FACTS: dict[str, Tell] = {
    "/now": now,
    "/i/{name}": item,
    "/runs/{run_id}": run,
    "/flows/{name}": workflow,
    "/incidents": incident_list,
    "/incidents/{name}": incident,
}
