"""Workflows: graphs of events, made, changed, run and read."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from fastapi import Response

from dogwatch.core.policy import lacks
from dogwatch.core.problems import Problem, invalid
from dogwatch.ids import new_text
from dogwatch.usecases import aliases, lists, numbered, runs, watches, workflows
from dogwatch.usecases.aliases import Named
from dogwatch.usecases.door import Tx
from dogwatch.usecases.flows import tree
from dogwatch.usecases.lists import Record
from dogwatch.web.dialect.call import Called, DialectCall, Naming, asks, takes
from dogwatch.web.dialect.route import needs, router_of
from dogwatch.web.dialects.cronium.answers import Nothing, answer, enveloped, listed
from dogwatch.web.dialects.cronium.routes.calls import BASE, as_theirs, found, given_text
from dogwatch.web.dialects.cronium.routes.events import with_status
from dogwatch.web.dialects.cronium.wire.event import status_of
from dogwatch.web.dialects.cronium.wire.executions import (
    OneStarted,
    Progress,
    StartedOut,
    execution_id,
)
from dogwatch.web.dialects.cronium.wire.workflows import (
    Anything,
    OneWorkflow,
    SomeWorkflows,
    Workflow,
    WorkflowChange,
    WorkflowNew,
    WorkflowOut,
    WorkflowsAsked,
    graph_of,
    shown,
    workflow_of,
)

WORKFLOW = "Workflow"
ONE = enveloped(OneWorkflow)
# As its own server makes them: 96 bits of chance.
HOOK_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
HOOK_LENGTH = 16

router = router_of(f"{BASE}/workflows")


@router.get(
    "",
    response_model=enveloped(SomeWorkflows),
    openapi_extra=needs("workflows.list") | asks(WorkflowsAsked),
)
async def list_workflows(call: Called) -> Response:
    """List workflows, oldest first, those that are archived only if that is asked for."""
    asked = call.asked(WorkflowsAsked)

    def seen(tx: Tx, naming: Naming) -> SomeWorkflows:
        kept = [
            named
            for batch in numbered.batches(tx, call.workspace_id, kind="workflow")
            for named in naming(tx, batch)
            if asked.archived or status_of(*named) != "ARCHIVED"
        ]
        first = (asked.page - 1) * asked.limit
        some = workflows_shown(tx, call, naming, kept[first : first + asked.limit])
        return SomeWorkflows(workflows=some, pagination=asked.pagination(len(kept)))

    data = await call.read(seen)
    return answer(data, listed("workflows", data.workflows), call.at)


@router.post(
    "",
    response_model=ONE,
    status_code=201,
    openapi_extra=needs("workflows.make") | takes(WorkflowNew),
)
async def make_workflow(call: Called) -> Response:
    """Make a workflow; unless a status is sent, it is a draft."""
    body = await call.sent(WorkflowNew)

    def made(tx: Tx) -> OneWorkflow:
        changes = body.changes(None)
        workflow = Workflow().with_changes(_with_graph(tx, call, Workflow(), body, changes))
        _check_active(workflow)
        vault, by = call.services.vault, call.caller.name
        definition = workflow.definition(None)
        record = workflows.add(tx, call.workspace_id, definition, vault, call.at, by)
        alias = aliases.give(tx, record, call.tongue.name, workflow.said())
        _set_hook(tx, call, (alias, record), changes, fresh=True)
        return turned(tx, call, (alias, record), workflow.status)

    with as_theirs():
        data = await call.write(made)
    return answer(data, "Workflow created successfully", call.at, 201)


@router.get("/{number}", response_model=ONE, openapi_extra=needs("workflows.show"))
async def show_workflow(call: Called, number: str) -> Response:
    """Show a workflow; the key of its webhook only to those who may run it."""

    def seen(tx: Tx, naming: Naming) -> OneWorkflow:
        named = workflow_named(tx, call, number)
        return OneWorkflow(workflow=workflows_shown(tx, call, naming, [named])[0])

    return answer(await call.read(seen), "Workflow retrieved successfully", call.at)


@router.patch(
    "/{number}", response_model=ONE, openapi_extra=needs("workflows.change") | takes(WorkflowChange)
)
async def change_workflow(call: Called, number: str) -> Response:
    """Change a workflow; what is not sent stays."""
    return await _changed(call, number)


@router.put(
    "/{number}", response_model=ONE, openapi_extra=needs("workflows.change") | takes(WorkflowChange)
)
async def put_workflow(call: Called, number: str) -> Response:
    """Change a workflow, as PATCH does: the document has both."""
    return await _changed(call, number)


@router.delete(
    "/{number}", response_model=enveloped(Nothing), openapi_extra=needs("workflows.delete")
)
async def remove_workflow(call: Called, number: str) -> Response:
    """Delete a workflow with its executions; its events stay."""

    def removed(tx: Tx) -> None:
        watches.remove(tx, workflow_named(tx, call, number, lock=True)[1])

    await call.write(removed, number)
    return answer(Nothing(), "Workflow deleted successfully", call.at)


@router.post(
    "/{number}/execute",
    response_model=enveloped(OneStarted),
    openapi_extra=needs("workflows.trigger") | takes(Anything),
)
async def execute_workflow(call: Called, number: str) -> Response:
    """Run a workflow now, whatever its status; a body without `input` is itself the input."""
    body: dict[str, Any] = (await call.sent(Anything)).model_dump(exclude_unset=True)
    given = body.get("input", body)

    def started(tx: Tx) -> OneStarted:
        alias, record = workflow_named(tx, call, number, lock=True)
        _check_runnable(workflows.definition_of(tx, record).graph.nodes)
        run = runs.trigger(tx, record, given_text(given), call.at)
        execution = StartedOut(
            id=execution_id(run.id),
            workflow_id=alias.number,
            status="running",
            started_at=call.at,
            input={} if given is None else given,
            progress=Progress.of(tree(tx, call.workspace_id, run.id)),
        )
        return OneStarted(execution=execution)

    with as_theirs():
        data = await call.write(started, number)
    return answer(data, "Workflow execution started", call.at)


# --- what the routes share ---------------------------------------------------------------------


def workflow_named(tx: Tx, call: DialectCall, number: str, *, lock: bool = False) -> Named:
    """Return the workflow with this number; Problem("not_found") in the words of the document."""
    return found(tx, call, WORKFLOW, "workflow", number, lock=lock)


def numbers_of(tx: Tx, call: DialectCall, naming: Naming, ids: set[str]) -> Mapping[str, int]:
    """Return the numbers of events by the ids of their watches."""
    records = watches.of_ids(tx, call.workspace_id, ids).values()
    return {record.id: alias.number for alias, record in naming(tx, list(records))}


def workflows_shown(
    tx: Tx, call: DialectCall, naming: Naming, some: Sequence[Named]
) -> list[WorkflowOut]:
    """Return what is shown of workflows."""
    records = [record for _, record in some]
    views = lists.views(tx, records, call.at)
    saved = workflows.presents(tx, records)
    jobs = {node.job for one in saved.values() for node in one.definition.graph.nodes}
    numbers = numbers_of(tx, call, naming, jobs)
    keys = _hook_keys(tx, call, records)
    return [
        shown(
            workflow_of(named, saved[named[1].id].definition),
            named, view, keys.get(named[1].id), numbers,
        )
        for named, view in zip(some, views, strict=True)
    ]  # fmt: skip


def _hook_keys(tx: Tx, call: DialectCall, records: Sequence[Record]) -> Mapping[str, str]:
    """Return the keys of webhooks by the ids of their watches, for those who may use them."""
    if lacks(call.caller.grant, "workflows.trigger"):
        return {}
    hooks = workflows.webhooks_of(tx, records, call.services.vault)
    return {watch_id: hook.key for watch_id, hook in hooks.items()}


async def _changed(call: DialectCall, number: str) -> Response:
    body = await call.sent(WorkflowChange)

    def changed(tx: Tx) -> OneWorkflow:
        alias, record = workflow_named(tx, call, number, lock=True)
        named, vault = (alias, record), call.services.vault
        before = workflows.definition_of(tx, record)
        old = workflow_of(named, before)
        changes = body.changes(workflows_shown(tx, call, call.give_names, [named])[0])
        workflow = old.with_changes(_with_graph(tx, call, old, body, changes))
        _check_active(workflow)
        definition = workflow.definition(before)
        if workflow.timing.trigger_type == old.timing.trigger_type:
            definition = replace(definition, webhook=before.webhook)
        record = workflows.edit(tx, record, definition, vault, call.at, call.caller.name)
        alias = aliases.say(tx, alias, **workflow.said())
        _set_hook(tx, call, (alias, record), changes, fresh=not before.webhook)
        return turned(tx, call, (alias, record), workflow.status)

    with as_theirs():
        data = await call.write(changed, number)
    return answer(data, "Workflow updated successfully", call.at)


def _with_graph(
    tx: Tx, call: DialectCall, old: Workflow, body: Any, changes: Mapping[str, Any]
) -> dict[str, Any]:
    """Return changes with the graph that nodes and edges make, what is not sent as it was."""
    values = dict(changes)
    if not {"nodes", "edges"} & values.keys():
        return values
    events = call.find_all(tx, {one.event_id for one in body.nodes})
    ids = {number: event.id for number, (_, event) in events.items()}
    graph = graph_of(body.nodes, body.edges, ids)
    for name in ("nodes", "edges"):
        if name not in values:
            graph = replace(graph, **{name: getattr(old.graph, name)})
    return {**values, "graph": graph}


def _check_active(workflow: Workflow) -> None:
    if workflow.status == "ACTIVE":
        _check_runnable(workflow.graph.nodes)


def _check_runnable(nodes: Sequence[Any]) -> None:
    if not nodes:
        raise invalid("nodes", "must hold at least one node: there is nothing to run")


def _set_hook(
    tx: Tx, call: DialectCall, named: Named, changes: Mapping[str, Any], *, fresh: bool
) -> None:
    """Give a workflow that has a webhook the key that was sent, or one of the product's form."""
    vault, key = call.services.vault, changes.get("webhook_key")
    hook = workflows.webhook_of(tx, named[1], vault)
    if hook is None:
        return
    if key or fresh:
        key = key or new_text(HOOK_LETTERS, HOOK_LENGTH)
        try:
            workflows.set_webhook(tx, named[1], vault, key=key, signed=bool(hook.secret))
        except Problem as problem:
            raise problem.of_fields({"webhookKey": problem.message}) from None


def turned(tx: Tx, call: DialectCall, named: Named, status: str) -> OneWorkflow:
    """Return a workflow with this status, which a locked one is given unless it has it."""
    named = with_status(tx, named, status, call.at)
    return OneWorkflow(workflow=workflows_shown(tx, call, call.give_names, [named])[0])
