"""A run: what exactly happened in it?"""

from collections.abc import Sequence
from contextlib import suppress

from fastapi import Response

from dogwatch.core.plain import whole_number
from dogwatch.core.problems import Problem
from dogwatch.usecases import lists, runs, watches
from dogwatch.usecases.callers import require
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import Chunk, Handed, Record, Run
from dogwatch.web.api.runs import pieces
from dogwatch.web.dashboard.pages import DOWNLOADED, LIVE, moved, rendered, values
from dogwatch.web.dashboard.visit import Visit

# An output has fewer pieces: it is capped.
MOST = 1_000_000
Parent = tuple[Record, Run]


async def show(visit: Visit) -> Response:
    """Show one run with its output."""
    require(visit.caller, "runs.output")
    run_id = _id(visit)

    # A page that asks again by itself asks for the rest of the log apart.
    only_head = LIVE in visit.request.headers

    def found(tx: Tx) -> tuple[Run, Handed, Record, Sequence[Chunk], str, Parent | None]:
        run, handed = lists.run(tx, visit.workspace_id, run_id)
        record = watches.find(tx, visit.workspace_id, run.watch_id)
        _, chunks = lists.output(tx, visit.workspace_id, run_id, -1, 0 if only_head else MOST)
        return run, handed, record, chunks, lists.waits(tx, run), _parent(tx, run)

    run, handed, record, chunks, waits, parent = await visit.see(found)
    return rendered(
        visit, "run.html", run=run, handed=handed, record=record, waits=waits, parent=parent,
        output="".join(pieces(chunks)),
        seen=chunks[-1][0] if chunks else -1, only_head=only_head,
    )  # fmt: skip


def _parent(tx: Tx, run: Run) -> Parent | None:
    """Return the run that this one is a node of, or follows from, if it is still there."""
    if run.parent_id is None:
        return None
    with suppress(Problem):
        parent, _ = lists.run(tx, run.workspace_id, run.parent_id)
        return watches.find(tx, run.workspace_id, parent.watch_id), parent
    return None


async def download(visit: Visit) -> Response:
    """Answer with the whole output, as it is stored."""
    _, chunks = await _output(visit, -1)
    name = f'attachment; filename="{_id(visit)}.txt"'
    headers = {**DOWNLOADED, "Content-Disposition": name}
    return Response("".join(pieces(chunks)), 200, headers, "text/plain; charset=utf-8")


async def tail(visit: Visit) -> Response:
    """Answer with the output behind the piece of a number, and whether more may come."""
    given = whole_number(visit.query.get("after", ""), 9)
    after = -1 if given is None else given
    run, chunks = await _output(visit, after)
    text = "".join(pieces(chunks, after if after >= 0 else None))
    seen = chunks[-1][0] if chunks else after
    return values({"text": text, "seen": seen, "done": run.state == "done"})


async def _output(visit: Visit, after: int) -> tuple[Run, Sequence[Chunk]]:
    require(visit.caller, "runs.output")
    run_id = _id(visit)
    return await visit.see(lambda tx: lists.output(tx, visit.workspace_id, run_id, after, MOST))


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
