"""Conditional actions: what follows the runs of a job or a workflow, and what came of it."""

from fastapi import Response

from dogwatch.usecases import actions, runs, watches
from dogwatch.usecases.door import Tx
from dogwatch.web.api.asked_workflows import ActionsAsked
from dogwatch.web.api.auth import needs, resource
from dogwatch.web.api.call import Called, Id, Name, shown
from dogwatch.web.api.wire_workflows import ActionOut, ActionsOut, EffectOut, EffectsOut

router = resource("jobs")
runs_router = resource("runs")


@router.get("/{name}/actions", response_model=ActionsOut, **needs("actions.show"))
async def show_actions(call: Called, name: Name) -> Response:
    """Show what follows the runs of a job, or of a workflow."""

    def found(tx: Tx) -> ActionsOut:
        known = actions.of(tx, watches.find(tx, call.workspace_id, name))
        return ActionsOut(actions=[ActionOut.of(one) for one in known])

    return shown(await call.read(found))


@router.put("/{name}/actions", response_model=ActionsOut, **needs("actions.change"))
async def change_actions(call: Called, name: Name, body: ActionsAsked) -> Response:
    """Set what follows the runs of a job, or of a workflow, all of it at once."""

    def changed(tx: Tx) -> ActionsOut:
        record = watches.find(tx, call.workspace_id, name, lock=True)
        made = actions.put(tx, record, body.made())
        return ActionsOut(actions=[ActionOut.of(one) for one in made])

    return shown(await call.write(changed))


@runs_router.get("/{name}/effects", response_model=EffectsOut, **needs("actions.effects"))
async def show_effects(call: Called, name: Id) -> Response:
    """Show what followed a run, or why it did not."""

    def found(tx: Tx) -> EffectsOut:
        runs.find(tx, call.workspace_id, name)
        known = actions.effects_of(tx, call.workspace_id, name)
        return EffectsOut(effects=[EffectOut.of(one) for one in known])

    return shown(await call.read(found))
