"""/runs: occurrences, and what our own runs print."""

import json
from collections.abc import Iterator, Sequence

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from dogwatch.core.plain import whole_number
from dogwatch.core.run import ATTEMPT_SEQS
from dogwatch.usecases import lists, runs
from dogwatch.usecases.callers import require
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import Chunk
from dogwatch.web.api.asked import Cancel, Trigger
from dogwatch.web.api.auth import authenticate, needs, resource
from dogwatch.web.api.call import Called, Id, shown
from dogwatch.web.api.filters import RunOutcome, RunState, Text, given
from dogwatch.web.api.pages import Paged
from dogwatch.web.api.stream import tail
from dogwatch.web.api.wire import PageOf, RunDetail, RunOut

router = resource("runs")

DROPPED = "[some output was dropped here]\n"
_EVENTS = "text/event-stream"


def input_text(body: Trigger | None) -> str:
    """Return the input of a run as the text that it is handed."""
    asked = body.input if body else None
    if asked is None or isinstance(asked, str):
        return asked or ""
    return json.dumps(asked, ensure_ascii=False)


@router.get("", response_model=PageOf[RunOut], **needs("runs.list"))
async def list_runs(
    call: Called,
    page: Paged,
    watch: Text = None,
    outcome: RunOutcome = None,
    state: RunState = None,
) -> Response:
    """List runs, newest first."""
    filters = given(watch=watch, outcome=outcome, state=state)
    found = await call.read(
        lambda tx: lists.run_page(tx, call.workspace_id, page.size, page.after, filters)
    )
    return page.answer(found, RunOut.of, lambda run: run.id)


@router.get("/{name}", response_model=RunDetail, **needs("runs.show"))
async def show_run(call: Called, name: Id) -> Response:
    """Show a run: its input, what its script handed on, and of a probe, what came first."""

    def found(tx: Tx) -> RunDetail:
        run, handed = lists.run(tx, call.workspace_id, name)
        return RunDetail.made(run, handed, lists.waits(tx, run))

    run = await call.read(found)
    return shown(run if call.sees_network else run.model_copy(update={"detail": None}))


@router.get(
    "/{name}/output", responses={200: {"content": {"text/plain": {}}}}, **needs("runs.output")
)
async def show_output(call: Called, name: Id) -> Response:
    """Show what was kept of a run's output, as plain text."""
    _, chunks = await call.read(lambda tx: lists.output(tx, call.workspace_id, name))
    return Response("".join(pieces(chunks)), media_type="text/plain; charset=utf-8")


def pieces(chunks: Sequence[Chunk], last: int | None = None) -> Iterator[str]:
    """Yield the text; where sequence numbers jump, a line of ours says that an attempt begins, or
    stands for what is gone.

    `last` is the number of the piece before.
    """
    text = "\n"
    for seq, _, text_here in chunks:
        if last is not None and seq != last + 1:
            attempt = seq // ATTEMPT_SEQS
            said = DROPPED if attempt == last // ATTEMPT_SEQS else f"[attempt {attempt + 1}]\n"
            yield said if text.endswith("\n") else f"\n{said}"
        yield text_here
        last, text = seq, text_here


@router.get(
    "/{name}/output/stream", responses={200: {"content": {_EVENTS: {}}}}, **needs("runs.stream")
)
async def follow_output(request: Request, call: Called, name: Id) -> Response:
    """Follow a run's output as server-sent events: `output` and, once it has ended, `end`.

    `Last-Event-ID` resumes behind that sequence number. It ends without `end` once the key is good
    for it no more, or the run is removed.
    """

    async def still() -> None:
        require(await authenticate(request), "runs.stream")

    await call.read(lambda tx: runs.find(tx, call.workspace_id, name))
    last = whole_number(request.headers.get("last-event-id", ""), 9)
    after = -1 if last is None else last
    headers = {"X-Accel-Buffering": "no"}
    return StreamingResponse(
        tail(call.services, call.workspace_id, name, after, still), 200, headers, _EVENTS
    )


@router.post("/{name}/cancel", response_model=RunOut, status_code=202, **needs("runs.cancel"))
async def cancel_run(call: Called, name: Id, body: Cancel | None = None) -> Response:
    """Stop a run: at once if it waits, else its node is asked to."""
    reason = (body.reason if body else None) or "cancelled"

    def asked(tx: Tx) -> RunOut:
        return RunOut.of(runs.cancel(tx, call.workspace_id, name, reason, call.at))

    return await call.post(202, asked)
