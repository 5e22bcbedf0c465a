"""Executions: what became of the runs of workflows."""

import json
from collections.abc import Sequence
from typing import Any

from fastapi import Response

from dogwatch.core.problems import Problem
from dogwatch.usecases import flows, numbered, watches
from dogwatch.usecases.aliases import Named
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import Run
from dogwatch.web.dialect.call import Called, Naming, asks
from dogwatch.web.dialect.route import needs, router_of
from dogwatch.web.dialects.cronium.answers import PageAsked, answer, enveloped, listed
from dogwatch.web.dialects.cronium.routes.calls import BASE
from dogwatch.web.dialects.cronium.routes.workflows import numbers_of, workflow_named
from dogwatch.web.dialects.cronium.wire.executions import (
    OneRun,
    SomeRuns,
    WorkflowRun,
    run_id,
    run_out,
    whole,
)
from dogwatch.web.dialects.cronium.wire.logs import MOST_TEXT

SOME = enveloped(SomeRuns)

router = router_of(f"{BASE}/workflows")


@router.get("/executions", response_model=SOME, openapi_extra=needs("runs.list") | asks(PageAsked))
async def list_executions(call: Called) -> Response:
    """List the runs of all workflows, newest first."""
    asked = call.asked(PageAsked)

    def seen(tx: Tx, naming: Naming) -> SomeRuns:
        first = (asked.page - 1) * asked.limit
        page = numbered.run_page(tx, call.workspace_id, first, asked.limit, kind="workflow")
        ids = {run.watch_id for run in page.items}
        records = list(watches.of_ids(tx, call.workspace_id, ids).values())
        some = _shown(tx, page.items, naming(tx, records))
        return SomeRuns(executions=some, pagination=asked.pagination(page.total))

    data = await call.read(seen)
    return answer(data, listed("executions", data.executions), call.at)


@router.get(
    "/{number}/executions", response_model=SOME, openapi_extra=needs("runs.list") | asks(PageAsked)
)
async def list_executions_of_workflow(call: Called, number: str) -> Response:
    """List the runs of a workflow, newest first."""
    asked = call.asked(PageAsked)

    def seen(tx: Tx, _: Naming) -> SomeRuns:
        named = workflow_named(tx, call, number)
        first = (asked.page - 1) * asked.limit
        page = numbered.run_page(tx, call.workspace_id, first, asked.limit, named[1].id)
        some = _shown(tx, page.items, [named])
        return SomeRuns(executions=some, pagination=asked.pagination(page.total))

    data = await call.read(seen)
    return answer(data, listed("executions", data.executions), call.at)


@router.get(
    "/{number}/executions/{name}",
    response_model=enveloped(OneRun),
    openapi_extra=needs("runs.show"),
)
async def show_execution(call: Called, number: str, name: str) -> Response:
    """Show a run of a workflow with what became of its nodes."""

    def seen(tx: Tx, naming: Naming) -> OneRun:
        named = workflow_named(tx, call, number)
        try:
            tree = flows.tree(tx, call.workspace_id, run_id(name))
        except Problem:
            tree = None
        if tree is None or tree.run.watch_id != named[1].id:
            raise Problem("not_found", f"Execution with ID {name[:100]} not found")
        children = [step.run.id for step in tree.steps.values() if step.run]
        length = MOST_TEXT // max(1, len(children) // 10)
        output = numbered.output_ends(tx, call.workspace_id, children, length)
        jobs = {node.job for node in tree.definition.graph.nodes}
        shown = run_out(tree, named[0].number, _given(tree.run))
        execution = whole(tree, shown, numbers_of(tx, call, naming, jobs), output)
        return OneRun(execution=execution)

    return answer(await call.read(seen), "Execution retrieved successfully", call.at)


def _shown(tx: Tx, some: Sequence[Run], named: Sequence[Named]) -> list[WorkflowRun]:
    numbers = {record.id: alias.number for alias, record in named}
    trees = flows.trees(tx, some) if some else {}
    return [run_out(trees[run.id], numbers[run.watch_id], _given(run)) for run in some]


def _given(run: Run) -> Any:
    """Return what a run was given; what is no JSON was a string."""
    try:
        return json.loads(run.shown_input) if run.input else {}
    except ValueError:
        return run.shown_input
