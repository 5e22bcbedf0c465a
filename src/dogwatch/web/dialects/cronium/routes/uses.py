"""Uses: the workflows that an event is a part of."""

from collections.abc import Iterator, Sequence

from fastapi import Response

from dogwatch.usecases import numbered, workflows
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import Record
from dogwatch.web.dialect.call import Called, Naming, asks
from dogwatch.web.dialect.route import needs, router_of
from dogwatch.web.dialects.cronium.answers import PageAsked, answer, enveloped, listed
from dogwatch.web.dialects.cronium.routes.calls import BASE
from dogwatch.web.dialects.cronium.routes.events import event_named
from dogwatch.web.dialects.cronium.routes.workflows import workflows_shown
from dogwatch.web.dialects.cronium.wire.workflows import SomeWorkflows

router = router_of(f"{BASE}/events")


@router.get(
    "/{number}/workflows",
    response_model=enveloped(SomeWorkflows),
    openapi_extra=needs("workflows.list") | asks(PageAsked),
)
async def list_workflows_of_event(call: Called, number: str) -> Response:
    """List the workflows that have the event as a node, oldest first."""
    asked = call.asked(PageAsked)

    def seen(tx: Tx, naming: Naming) -> SomeWorkflows:
        own_id = event_named(tx, call, number)[1].id
        kept = [
            record
            for batch in numbered.batches(tx, call.workspace_id, kind="workflow")
            for record in _using(tx, batch, own_id)
        ]
        first = (asked.page - 1) * asked.limit
        named = naming(tx, kept[first : first + asked.limit])
        some = workflows_shown(tx, call, naming, named)
        return SomeWorkflows(workflows=some, pagination=asked.pagination(len(kept)))

    data = await call.read(seen)
    return answer(data, listed("workflows", data.workflows), call.at)


def _using(tx: Tx, batch: Sequence[Record], own_id: str) -> Iterator[Record]:
    """Yield those of these workflows that run the job with this id."""
    saved = workflows.presents(tx, batch)
    for record in batch:
        if any(node.job == own_id for node in saved[record.id].definition.graph.nodes):
            yield record
