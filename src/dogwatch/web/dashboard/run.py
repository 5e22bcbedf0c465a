"""A run: what exactly happened in it?"""

from fastapi import Response

from dogwatch.usecases import lists, runs, watches
from dogwatch.usecases.callers import require
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import Handed, Record, Run
from dogwatch.web.api.runs import pieces
from dogwatch.web.dashboard.pages import moved, rendered
from dogwatch.web.dashboard.visit import Visit


async def show(visit: Visit) -> Response:
    """Show one run with its output."""
    require(visit.caller, "runs.output")
    run_id = _id(visit)

    def found(tx: Tx) -> tuple[Run, Handed, Record, str]:
        run, handed = lists.run(tx, visit.workspace_id, run_id)
        record = watches.find(tx, visit.workspace_id, run.watch_id)
        _, chunks = lists.output(tx, visit.workspace_id, run_id)
        return run, handed, record, "".join(pieces(chunks))

    run, handed, record, output = await visit.see(found)
    return rendered(visit, "run.html", run=run, handed=handed, record=record, output=output)


async def cancel(visit: Visit) -> Response:
    """Stop a run that waits or is going; of a workflow, what runs of it."""
    run_id = _id(visit)

    def asked(tx: Tx) -> Record:
        run = runs.cancel(
            tx, visit.workspace_id, run_id, f"cancelled by {visit.user.name}", visit.at
        )
        return watches.find(tx, visit.workspace_id, run.watch_id)

    record = await visit.carry_out("runs.cancel", run_id, asked)
    place = f"flows/{record.slug}?run={run_id}" if record.workflow else f"runs/{run_id}"
    return moved(visit, place)


def _id(visit: Visit) -> str:
    return str(visit.request.path_params["run_id"])
