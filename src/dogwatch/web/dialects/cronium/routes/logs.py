"""Logs: what became of the runs of events, and what they printed."""

from collections.abc import Mapping, Sequence

from fastapi import Response

from dogwatch.core.problems import Problem
from dogwatch.usecases import lists, numbered, runs, watches
from dogwatch.usecases.aliases import Named
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import Run
from dogwatch.web.api.runs import pieces
from dogwatch.web.dialect.call import Called, DialectCall, Naming, asks
from dogwatch.web.dialect.route import needs, router_of
from dogwatch.web.dialects.cronium.answers import answer, enveloped, listed
from dogwatch.web.dialects.cronium.routes.calls import BASE
from dogwatch.web.dialects.cronium.routes.events import event_named
from dogwatch.web.dialects.cronium.routes.workflows import numbers_of
from dogwatch.web.dialects.cronium.wire.event import type_of
from dogwatch.web.dialects.cronium.wire.logs import (
    LogOut,
    LogsAsked,
    OneLog,
    SomeLogs,
    run_id,
)

SOME = enveloped(SomeLogs)

router = router_of(BASE)


@router.get(
    "/events/{number}/logs", response_model=SOME, openapi_extra=needs("runs.list") | asks(LogsAsked)
)
async def list_logs_of_event(call: Called, number: str) -> Response:
    """List the logs of an event, newest first, by `page` or by `offset`."""
    asked = call.asked(LogsAsked)

    def seen(tx: Tx, naming: Naming) -> SomeLogs:
        named = event_named(tx, call, number)
        page = numbered.run_page(tx, call.workspace_id, asked.first, asked.limit, named[1].id)
        output = _ends(tx, call, page.items, asked)
        logs = _logs(tx, call, naming, page.items, {named[1].id: named}, output)
        return SomeLogs(logs=logs, pagination=asked.pagination(page.total))

    data = await call.read(seen)
    return answer(data, listed("logs", data.logs), call.at)


@router.get("/logs", response_model=SOME, openapi_extra=needs("runs.list") | asks(LogsAsked))
async def list_logs(call: Called) -> Response:
    """List the logs of all events, newest first."""
    asked = call.asked(LogsAsked)

    def seen(tx: Tx, naming: Naming) -> SomeLogs:
        page = numbered.run_page(tx, call.workspace_id, asked.first, asked.limit)
        known = _events(tx, call, naming, page.items)
        output = _ends(tx, call, page.items, asked)
        logs = _logs(tx, call, naming, page.items, known, output)
        return SomeLogs(logs=logs, pagination=asked.pagination(page.total))

    data = await call.read(seen)
    return answer(data, listed("logs", data.logs), call.at)


@router.get("/logs/{name}", response_model=enveloped(OneLog), openapi_extra=needs("runs.output"))
async def show_log(call: Called, name: str) -> Response:
    """Show a log with all that was kept of its output."""

    def seen(tx: Tx, naming: Naming) -> OneLog:
        try:
            run, chunks = lists.output(tx, call.workspace_id, run_id(name))
        except Problem:
            raise Problem("not_found", f"Log with ID {name[:100]} not found") from None
        known = _events(tx, call, naming, [run])
        output = {run.id: "".join(pieces(chunks))}
        for log in _logs(tx, call, naming, [run], known, output):
            return OneLog(log=log)
        raise Problem("not_found", f"Log with ID {name[:100]} not found")

    return answer(await call.read(seen), "Log retrieved successfully", call.at)


def _ends(tx: Tx, call: DialectCall, some: Sequence[Run], asked: LogsAsked) -> Mapping[str, str]:
    ids = [run.id for run in some]
    return numbered.output_ends(tx, call.workspace_id, ids, asked.text_length)


def _events(tx: Tx, call: DialectCall, naming: Naming, some: Sequence[Run]) -> Mapping[str, Named]:
    """Return the events that these are runs of, by the ids of their watches."""
    records = watches.of_ids(tx, call.workspace_id, {run.watch_id for run in some}).values()
    ours = [record for record in records if record.kind == "job"]
    return {named[1].id: named for named in naming(tx, ours)}


def _logs(
    tx: Tx,
    call: DialectCall,
    naming: Naming,
    some: Sequence[Run],
    events: Mapping[str, Named],
    output: Mapping[str, str],
) -> list[LogOut]:
    """Return the logs of those of these runs that are of `events`."""
    views = lists.views(tx, [record for _, record in events.values()], call.at)
    types = {
        view.record.id: type_of(runs.action_of(call.services.vault, view.job))
        for view in views
        if view.job
    }
    wholes = numbered.whole_of(tx, some)
    numbers = numbers_of(tx, call, naming, set(wholes.values()))
    return [
        LogOut.of(
            run, events[run.watch_id], types[run.watch_id], output[run.id],
            numbers.get(wholes.get(run.id, "")),
        )
        for run in some
        if run.watch_id in types
    ]  # fmt: skip
