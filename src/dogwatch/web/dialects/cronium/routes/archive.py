"""The archive: workflows that are put away, one by one or many at once, and fetched back."""

from fastapi import Response

from dogwatch.core.problems import Problem
from dogwatch.usecases.door import Tx
from dogwatch.web.dialect.call import Called, DialectCall, takes
from dogwatch.web.dialect.route import needs, router_of
from dogwatch.web.dialects.cronium.answers import answer, enveloped
from dogwatch.web.dialects.cronium.routes.calls import BASE, as_theirs
from dogwatch.web.dialects.cronium.routes.events import with_status
from dogwatch.web.dialects.cronium.routes.workflows import turned, workflow_named
from dogwatch.web.dialects.cronium.wire.workflows import (
    Archived,
    NotArchived,
    OneWorkflow,
    WorkflowIds,
)

router = router_of(f"{BASE}/workflows")


@router.post(
    "/bulk-archive",
    response_model=enveloped(Archived),
    openapi_extra=needs("workflows.change") | takes(WorkflowIds),
)
async def archive_many(call: Called) -> Response:
    """Archive up to 100 workflows; those that there are not are named."""
    body = await call.sent(WorkflowIds)

    def archived(tx: Tx) -> Archived:
        told = {number: _tried(tx, call, number) for number in body.workflow_ids}
        failed = [NotArchived(id=number, error=why) for number, why in told.items() if why]
        done = [number for number, why in told.items() if not why]
        return Archived(archived=len(done), workflow_ids=done, failed=failed)

    about = ",".join(map(str, body.workflow_ids))[:200]
    data = await call.write(archived, about)
    return answer(data, f"{data.archived} workflows archived", call.at)


@router.post(
    "/{number}/archive",
    response_model=enveloped(OneWorkflow),
    openapi_extra=needs("workflows.change"),
)
async def archive_workflow(call: Called, number: str) -> Response:
    """Put a workflow away: it is run by nothing but hand, and lists leave it out."""
    return await _set_status(call, number, "ARCHIVED", "archived")


@router.delete(
    "/{number}/archive",
    response_model=enveloped(OneWorkflow),
    openapi_extra=needs("workflows.change"),
)
async def fetch_workflow(call: Called, number: str) -> Response:
    """Fetch a workflow from the archive; it is paused."""
    return await _set_status(call, number, "PAUSED", "restored")


async def _set_status(call: DialectCall, number: str, status: str, done: str) -> Response:
    def changed(tx: Tx) -> OneWorkflow:
        return turned(tx, call, workflow_named(tx, call, number, lock=True), status)

    with as_theirs():
        data = await call.write(changed, number)
    return answer(data, f"Workflow {done} successfully", call.at)


def _tried(tx: Tx, call: DialectCall, number: int) -> str:
    """Archive one workflow of many; return why that could not be, or nothing."""
    try:
        named = workflow_named(tx, call, str(number), lock=True)
    except Problem as problem:
        return problem.message
    with_status(tx, named, "ARCHIVED", call.at)
    return ""
