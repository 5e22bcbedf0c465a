"""Files: the workspace as one, and what was applied."""

from collections.abc import Mapping

from fastapi import Response

from dogwatch.core.manifest.text import written
from dogwatch.core.problems import Problem
from dogwatch.usecases import manifests
from dogwatch.usecases.callers import require
from dogwatch.usecases.keeping import CHANNEL, MAINTENANCE, PAGE, RULE, VARIABLE
from dogwatch.web.api.manifest.hand import Hand
from dogwatch.web.api.manifest.present import read
from dogwatch.web.api.manifest.whole import Applied, export, require_all
from dogwatch.web.dashboard.pages import DOWNLOADED, moved, rendered
from dogwatch.web.dashboard.visit import Visit

NAME = "dogwatch.yaml"
# Where things of each kind are shown.
PLACES: Mapping[str, str] = {
    CHANNEL: "alerts",
    RULE: "alerts",
    MAINTENANCE: "alerts",
    VARIABLE: "settings/variables",
    PAGE: "settings/status-pages",
}


async def show(visit: Visit) -> Response:
    """Show the files, and the form of another."""
    return await _shown(visit)


async def _shown(visit: Visit, done: Applied | None = None) -> Response:
    require(visit.caller, "manifests.list")
    found = await visit.see(lambda tx: manifests.listed(tx, visit.workspace_id))
    return rendered(
        visit, "files.html", found=found, done=done, name=visit.form.get("name") or NAME,
        text=visit.form.get("text", ""), prune="prune" in visit.form,
    )  # fmt: skip


async def download(visit: Visit) -> Response:
    """Answer with the workspace as a file."""
    require(visit.caller, "manifests.export")
    require_all(visit.caller)
    await visit.carry_out("manifests.export", "", lambda _: None)
    vault = visit.services.vault
    present = await visit.see(lambda tx: read(tx, visit.workspace_id, vault, visit.at))
    headers = {**DOWNLOADED, "Content-Disposition": f'attachment; filename="{NAME}"'}
    return Response(written(export(present)), 200, headers, "application/yaml")


async def take(visit: Visit) -> Response:
    """Apply a file, or show what it would change."""
    name, text = visit.form.get("name", ""), visit.form.get("text", "").replace("\r\n", "\n")
    hand = Hand(
        visit.services, visit.caller, visit.at,
        lambda work: visit.carry_out("manifests.apply", name, work), keeps_first=True,
    )  # fmt: skip
    tried = "try" in visit.form
    try:
        done = await hand.apply(name, text, prune="prune" in visit.form, dry_run=tried)
    except Problem as problem:
        raise _told(problem) from None
    return await _shown(visit, done) if tried else moved(visit, "settings/files")


def _told(problem: Problem) -> Problem:
    """Return a problem whose faults stand at the text, where they are not of the name."""
    if set(problem.fields) <= {"name"}:
        return problem
    return problem.of_fields({"text": problem.message})


async def release(visit: Visit) -> Response:
    """Keep one thing that is no item in no file: it is changed here from now on."""
    kind, own = visit.form.get("kind", ""), visit.form.get("thing", "")
    await visit.carry_out(
        "manifests.release", own[:100],
        lambda tx: manifests.release_thing(tx, visit.workspace_id, (kind, own)),
    )  # fmt: skip
    return moved(visit, PLACES.get(kind, "settings/files"))


async def forget(visit: Visit) -> Response:
    """Forget a file; what was kept in it stays."""
    name = visit.form.get("name", "")
    await visit.carry_out(
        "manifests.release", name, lambda tx: manifests.forget(tx, visit.workspace_id, name)
    )
    return moved(visit, "settings/files")
