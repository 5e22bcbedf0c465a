"""`POST /hook/KEY`: whoever knows the key of a workflow starts it, with the body as its input."""

import json

from fastapi import Request, Response

from dogwatch.core.problems import Problem
from dogwatch.core.variable import data_of
from dogwatch.usecases import runs, watches, workflows
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import Record
from dogwatch.usecases.once import Done, Sent, once
from dogwatch.web.api import limits
from dogwatch.web.api.payload import capped
from dogwatch.web.api.problems import on_problem
from dogwatch.web.services import Services

PATH = "/hook/{key}"
UNKNOWN = "there is no workflow with this key"


async def start(request: Request) -> Response:
    """Queue a run; 202 with its id. A key that is none is counted against its sender."""
    try:
        return await _started(request)
    except Problem as problem:
        return await on_problem(request, problem)


async def _started(request: Request) -> Response:
    services: Services = request.app.state.services
    key = request.path_params["key"][:200]
    found = await services.door.aread(
        lambda tx: workflows.hooked(tx, key, services.vault), workspace_id=None
    )
    if found is None:
        await limits.count_stranger(request)
        raise Problem("not_found", UNKNOWN)
    workspace_id, _ = found
    await limits.spend(request, workspace_id)
    body = await Request(request.scope, capped(request)).body()
    at = services.clock.now()
    sent = (
        request.headers.get("x-webhook-timestamp", ""),
        request.headers.get("x-webhook-signature", ""),
    )

    def queued(tx: Tx) -> Done:
        opened = workflows.opened(tx, found, key, sent, body, services.vault, at)
        if opened is None:
            raise Problem("not_found", UNKNOWN)
        record, hook = opened
        if watches.is_paused(record):
            raise Problem("conflict", f"{record.slug} is paused")
        if not hook.secret:
            return begun(tx, record)
        # Who overheard a signed request and sends it again starts nothing: he gets its answer.
        seen = Sent(workspace_id, f"hook:{record.id}:{sent[1].lower()}", record.id)
        return once(tx, seen, services.vault, at, lambda: begun(tx, record))

    def begun(tx: Tx, record: Record) -> Done:
        given = data_of(body.decode(errors="replace")) if body.strip() else ""
        run = runs.trigger(tx, record, given, at, "webhook")
        return Done(202, json.dumps({"run_id": run.id}).encode())

    done = await services.door.awrite(queued, workspace_id)
    return Response(done.body, done.status, media_type="application/json")
