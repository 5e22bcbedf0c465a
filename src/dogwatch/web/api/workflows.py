"""/workflows: graphs of jobs, their versions, their webhooks and their runs."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Path, Query, Response

from dogwatch.core.problems import Problem
from dogwatch.core.spec import WatchSpec
from dogwatch.core.workflow.definition import Definition
from dogwatch.core.workflow.graph import Graph
from dogwatch.usecases import flows, lists, repeating, runs, watches, workflows
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import Record, WatchView
from dogwatch.usecases.workflows import Version
from dogwatch.web.api.asked import Nothing, Trigger
from dogwatch.web.api.asked_workflows import Rerun, WebhookAsked, WorkflowChange, WorkflowNew
from dogwatch.web.api.auth import needs, resource
from dogwatch.web.api.call import Call, Called, Id, Name, shown
from dogwatch.web.api.filters import Status, Text, given
from dogwatch.web.api.pages import Paged
from dogwatch.web.api.pausing import Pausing, paused_by
from dogwatch.web.api.runs import input_text
from dogwatch.web.api.wire import PageOf, RunOut
from dogwatch.web.api.wire_workflows import (
    DiffOut,
    TreeOut,
    VersionOut,
    WebhookOut,
    WorkflowOut,
)

router = resource("workflows")
runs_router = resource("runs")

_MOST = 2**31 - 1
Number = Annotated[int, Path(ge=1, le=_MOST, description="Number of a version.")]
_Asked = Annotated[
    int | None,
    Query(ge=1, le=_MOST, description="A version; if not given, the present, or the one before."),
]


def _found(tx: Tx, call: Call, views: list[WatchView]) -> list[WorkflowOut]:
    """Return the shapes of workflows."""
    saved = workflows.presents(tx, [view.record for view in views])
    jobs = {node.job for one in saved.values() for node in one.definition.graph.nodes}
    slugs = watches.slugs_of(tx, call.workspace_id, jobs)
    return [WorkflowOut.made(v, call.pings, saved[v.record.id], slugs) for v in views]


def _shown(tx: Tx, record: Record, call: Call) -> WorkflowOut:
    return _found(tx, call, [lists.view(tx, record, call.at)])[0]


def _locked(tx: Tx, call: Call, name: str) -> Record:
    return workflows.find(tx, call.workspace_id, name, lock=True)


def _versions(tx: Tx, call: Call, some: Sequence[Version]) -> list[VersionOut]:
    jobs = {node.job for one in some for node in one.definition.graph.nodes}
    slugs = watches.slugs_of(tx, call.workspace_id, jobs)
    return [VersionOut.of(one, workflows.with_slugs(one.definition, slugs)) for one in some]


@router.get("", response_model=PageOf[WorkflowOut], **needs("workflows.list"))
async def list_workflows(
    call: Called, page: Paged, status: Status = None, tag: Text = None, project: Text = None,
    slug: Text = None,
) -> Response:  # fmt: skip
    """List workflows, oldest first."""
    filters = given(kind="workflow", status=status, tag=tag, project=project, slug=slug)

    def found(tx: Tx) -> list[WorkflowOut]:
        views = lists.watch_page(tx, call.workspace_id, page.size, page.after, filters, call.at)
        return _found(tx, call, views)

    return page.answer(await call.read(found), lambda one: one, lambda one: one.id)


@router.post("", response_model=WorkflowOut, status_code=201, **needs("workflows.make"))
async def make_workflow(call: Called, body: WorkflowNew) -> Response:
    """Make a workflow; what is saved is its first version."""
    base = Definition(WatchSpec(name=body.name, start_by_s=None), Graph())
    definition = body.definition(base)

    def made(tx: Tx) -> WorkflowOut:
        record = workflows.add(
            tx, call.workspace_id, definition, call.services.vault, call.at, call.caller.name
        )
        return _shown(tx, record, call)

    return await call.post(201, made, "workflows")


@router.get("/{name}", response_model=WorkflowOut, **needs("workflows.show"))
async def show_workflow(call: Called, name: Name) -> Response:
    """Show a workflow at its present version."""
    return shown(
        await call.read(lambda tx: _shown(tx, workflows.find(tx, call.workspace_id, name), call))
    )


@router.patch("/{name}", response_model=WorkflowOut, **needs("workflows.change"))
async def change_workflow(call: Called, name: Name, body: WorkflowChange) -> Response:
    """Change a workflow, which makes another version; open runs go on by theirs.

    What is not sent stays, null clears; nodes and edges are each replaced as a whole.
    """

    def changed(tx: Tx) -> WorkflowOut:
        record = _locked(tx, call, name)
        definition = body.definition(workflows.definition_of(tx, record))
        vault, by = call.services.vault, call.caller.name
        return _shown(tx, workflows.edit(tx, record, definition, vault, call.at, by), call)

    return shown(await call.write(changed))


@router.delete("/{name}", status_code=204, **needs("workflows.delete"))
async def remove_workflow(call: Called, name: Name) -> Response:
    """Delete a workflow with its versions and runs; its jobs stay."""
    await call.write(lambda tx: watches.remove(tx, _locked(tx, call, name)))
    return Response(status_code=204)


@router.post("/{name}/pause", response_model=WorkflowOut, **needs("workflows.pause"))
async def pause_workflow(call: Called, name: Name, body: Pausing | None = None) -> Response:
    """Begin nothing on schedule or by webhook until it is resumed, by somebody or by its time."""
    turn = paused_by(body, call.at)

    def paused(tx: Tx) -> WorkflowOut:
        return _shown(tx, turn(tx, _locked(tx, call, name), call.at), call)

    return await call.post(200, paused)


@router.post("/{name}/resume", response_model=WorkflowOut, **needs("workflows.resume"))
async def resume_workflow(call: Called, name: Name, _: Nothing | None = None) -> Response:
    """Run on schedule again from now on."""

    def resumed(tx: Tx) -> WorkflowOut:
        return _shown(tx, watches.resume(tx, _locked(tx, call, name), call.at), call)

    return await call.post(200, resumed)


@router.post(
    "/{name}/trigger", response_model=RunOut, status_code=202, **needs("workflows.trigger")
)
async def trigger_workflow(call: Called, name: Name, body: Trigger | None = None) -> Response:
    """Run a workflow now; the input goes to its first nodes."""
    given_input = input_text(body)

    def queued(tx: Tx) -> RunOut:
        return RunOut.of(runs.trigger(tx, _locked(tx, call, name), given_input, call.at))

    return await call.post(202, queued)


# --- versions ---------------------------------------------------------------------------------


@router.get("/{name}/versions", response_model=PageOf[VersionOut], **needs("workflows.versions"))
async def list_versions(call: Called, page: Paged, name: Name) -> Response:
    """List the versions of a workflow, the newest first."""

    def found(tx: Tx) -> list[VersionOut]:
        record = workflows.find(tx, call.workspace_id, name)
        return _versions(tx, call, workflows.versions(tx, record, page.size, page.number))

    return page.answer(await call.read(found), lambda one: one, lambda one: one.number)


@router.get("/{name}/versions/{number}", response_model=VersionOut, **needs("workflows.versions"))
async def show_version(call: Called, name: Name, number: Number) -> Response:
    """Show a version of a workflow."""

    def found(tx: Tx) -> VersionOut:
        record = workflows.find(tx, call.workspace_id, name)
        return _versions(tx, call, [workflows.version(tx, record, number)])[0]

    return shown(await call.read(found))


@router.get("/{name}/diff", response_model=DiffOut, **needs("workflows.versions"))
async def compare_versions(
    call: Called, name: Name, before: _Asked = None, after: _Asked = None
) -> Response:
    """Tell what changed from one version to another."""

    def found(tx: Tx) -> DiffOut:
        record = workflows.find(tx, call.workspace_id, name)
        last = after or workflows.present(tx, record).number
        first = before or max(last - 1, 1)
        return DiffOut.of(first, last, workflows.diff(tx, record, first, last))

    return shown(await call.read(found))


@router.post(
    "/{name}/versions/{number}/restore",
    response_model=WorkflowOut,
    **needs("workflows.restore"),
)
async def restore_version(
    call: Called, name: Name, number: Number, _: Nothing | None = None
) -> Response:
    """Save an old version anew, as the present one."""

    def restored(tx: Tx) -> WorkflowOut:
        record, vault = _locked(tx, call, name), call.services.vault
        record = workflows.restore(tx, record, number, vault, call.at, call.caller.name)
        return _shown(tx, record, call)

    return await call.post(200, restored)


# --- webhooks ---------------------------------------------------------------------------------


@router.get("/{name}/webhook", response_model=WebhookOut, **needs("workflows.webhook"))
async def show_webhook(call: Called, name: Name) -> Response:
    """Show where a workflow is started from outside; its secret stays masked."""

    def found(tx: Tx) -> WebhookOut:
        record = workflows.find(tx, call.workspace_id, name)
        hook = workflows.webhook_of(tx, record, call.services.vault)
        if hook is None:
            raise Problem("not_found", f"{record.slug} has no webhook; set its webhook to true")
        return WebhookOut.of(hook, call.services.base_url)

    return shown(await call.read(found))


@router.post("/{name}/webhook", response_model=WebhookOut, **needs("workflows.webhook"))
async def renew_webhook(call: Called, name: Name, body: WebhookAsked | None = None) -> Response:
    """Give the webhook of a workflow another key; the one before ends at once."""
    signed = body.signed if body else False

    def renewed(tx: Tx) -> WebhookOut:
        record, vault = _locked(tx, call, name), call.services.vault
        if workflows.webhook_of(tx, record, vault) is None:
            raise Problem("conflict", f"{record.slug} has no webhook; set its webhook to true")
        hook = workflows.set_webhook(tx, record, vault, signed=signed)
        return WebhookOut.of(hook, call.services.base_url, made=True)

    return await call.post(200, renewed)


# --- runs -------------------------------------------------------------------------------------


@runs_router.get("/{name}/tree", response_model=TreeOut, **needs("workflows.tree"))
async def show_tree(call: Called, name: Id) -> Response:
    """Show a run of a workflow with what became of each node."""

    def found(tx: Tx) -> TreeOut:
        tree = flows.tree(tx, call.workspace_id, name)
        jobs = {node.job for node in tree.definition.graph.nodes}
        return TreeOut.of(tree, watches.slugs_of(tx, call.workspace_id, jobs))

    return shown(await call.read(found))


@runs_router.post(
    "/{name}/rerun", response_model=RunOut, status_code=202, **needs("workflows.rerun")
)
async def rerun(call: Called, name: Id, body: Rerun | None = None) -> Response:
    """Repeat a run of a workflow at its version: whole, or from a node on with its saved input."""
    node = body.node if body else None

    def queued(tx: Tx) -> RunOut:
        return RunOut.of(repeating.rerun(tx, call.workspace_id, name, node, call.at))

    return await call.post(202, queued)
