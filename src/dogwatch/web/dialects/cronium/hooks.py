"""Webhooks: whoever has the key of a workflow starts it, with what he sends as its input."""

from collections.abc import Mapping

from fastapi import Request, Response

from dogwatch.core.limits import Window
from dogwatch.core.problems import Problem
from dogwatch.core.variable import data_of
from dogwatch.usecases import aliases, runs, workflows
from dogwatch.usecases.door import Tx
from dogwatch.usecases.limiting import Asked, admit
from dogwatch.web.api import limits
from dogwatch.web.api.payload import capped
from dogwatch.web.dialect.refusal import Refusal, Refused
from dogwatch.web.dialects.cronium.answers import Shape, answer
from dogwatch.web.dialects.cronium.limits import MINUTE_S, PER_MINUTE
from dogwatch.web.dialects.cronium.wire.event import status_of
from dogwatch.web.page import Endpoint
from dogwatch.web.services import Services

DIALECT = "cronium"
UNKNOWN = "Webhook not found"


class Started(Shape):
    """Which workflow was started."""

    workflow_id: int


async def start(request: Request) -> Response:
    """Start a workflow; a body that is no JSON is its input as a string."""
    services: Services = request.app.state.services
    key, at = request.path_params["key"][:100], services.clock.now()
    body = await Request(request.scope, capped(request)).body()
    place = await services.door.aread(
        lambda tx: workflows.hooked(tx, key, services.vault), workspace_id=None
    )
    await _spend(request, services, place)
    if place is None:
        raise Problem("not_found", UNKNOWN)
    workspace_id, _ = place
    headers = request.headers
    signed = headers.get("x-webhook-timestamp", ""), headers.get("x-webhook-signature", "")
    given = data_of(body.decode(errors="replace")) if body else ""

    def started(tx: Tx) -> int:
        opened = workflows.opened(tx, place, key, signed, body, services.vault, at)
        if opened is None:
            raise Problem("not_found", UNKNOWN)
        record, _ = opened
        (named,) = aliases.named(tx, workspace_id, DIALECT, [record], make=True)
        if status_of(*named) != "ACTIVE":
            told = {"status": "of the workflow is not ACTIVE"}
            raise Refused(Refusal("invalid", "the workflow is not active", told))
        runs.trigger(tx, record, given, at, by="webhook")
        return named[0].number

    number = await services.door.awrite(started, workspace_id)
    return answer(Started(workflow_id=number), "Workflow triggered successfully", at)


async def _spend(request: Request, services: Services, place: tuple[int, str] | None) -> None:
    """Count a call of a workflow, or of nobody by its address; too many are told to wait."""
    if place is None:
        await limits.count_stranger(request)
    elif services.limits:
        asked = [Asked(f"hook:{place[1]}", "minute", Window("fixed", PER_MINUTE, MINUTE_S))]
        admit(await services.limits.limiter.spend(asked))


# Its first version had them below the workflows, a later one by themselves.
HOOKS: Mapping[str, Endpoint] = {
    "/api/workflows/webhook/{key}": start,
    "/api/webhooks/{key}": start,
}
