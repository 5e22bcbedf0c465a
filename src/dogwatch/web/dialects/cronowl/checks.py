"""/checks: what expects pings, with its pings and its changes of status."""

from collections.abc import Sequence
from typing import Any

from fastapi import Response

from dogwatch.core.problems import Problem
from dogwatch.usecases import aliases, allowances, history, numbered, watches
from dogwatch.usecases.aliases import Named
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import Record
from dogwatch.usecases.numbered import Counted
from dogwatch.web.dialect.call import (
    Called,
    DialectCall,
    asks,
    checked,
    fields_as,
    news,
    shown,
    takes,
)
from dogwatch.web.dialect.route import needs
from dogwatch.web.dialects.cronowl import webhooks
from dogwatch.web.dialects.cronowl.errors import answer
from dogwatch.web.dialects.cronowl.pings import LONGEST_OUTPUT
from dogwatch.web.dialects.cronowl.routes import answers, router
from dogwatch.web.dialects.cronowl.wire import (
    NAMES,
    Check,
    CheckChange,
    CheckNew,
    ChecksAsked,
    Data,
    Deleted,
    Items,
    LimitAsked,
    Paused,
    Ping,
    Pings,
    PingsMeta,
    StatusEvent,
    StatusHistory,
    StatusMeta,
    check,
    scheduled,
    status_of,
)

WRITES = "write:watches"
KINDS = ("heartbeat", "job")


@router.get(
    "/checks", **answers(Items[Check]), openapi_extra=needs("watches.list") | asks(ChecksAsked)
)
async def list_checks(call: Called) -> Response:
    """List checks, newest first."""
    asked = call.asked(ChecksAsked)

    def found(tx: Tx, naming: Any) -> Items[Check]:
        page = _page(tx, call, asked)
        return Items(data=_shown(tx, call, naming(tx, page.items)), meta=asked.meta(page.total))

    return shown(await call.read(found))


def _page(tx: Tx, call: DialectCall, asked: ChecksAsked) -> Counted[Record]:
    if not asked.status and not asked.tag:
        return numbered.watch_page(
            tx, call.workspace_id, asked.page, asked.limit, newest=True, kind=KINDS
        )

    def chosen(record: Record) -> bool:
        return asked.has(status_of(record), record.tags)

    return numbered.kept_page(
        tx, call.workspace_id, asked.page, asked.limit, chosen, newest=True, kind=KINDS
    )


@router.post(
    "/checks", **answers(Data[Check]), openapi_extra=needs("watches.make") | takes(CheckNew)
)
async def make_check(call: Called) -> Response:
    """Make a check; numbers out of range are brought into it."""
    body = checked(CheckNew, scheduled(await call.body()))

    def made(tx: Tx) -> Check:
        with fields_as(NAMES):
            record = watches.add(tx, call.workspace_id, body.spec(), call.at)
        named = aliases.give(tx, record, call.tongue.name), record
        return _one(tx, call, (webhooks.put(tx, call, named, body.webhook_url), record))

    return shown(Data(data=await call.write(made)))


@router.get("/checks/{name}", **answers(Data[Check]), openapi_extra=needs("watches.show"))
async def show_check(call: Called, name: str) -> Response:
    """Show a check."""
    return shown(Data(data=await call.read(lambda tx, _: _one(tx, call, _found(tx, call, name)))))


@router.patch(
    "/checks/{name}",
    **answers(Data[Check]),
    openapi_extra=needs("watches.change") | takes(CheckChange),
)
async def change_check(call: Called, name: str) -> Response:
    """Change a check; what is not sent stays."""
    said = scheduled(await call.body())

    def changed(tx: Tx) -> Check:
        alias, record = _found(tx, call, name, lock=True)
        body = checked(CheckChange, news(said, _one(tx, call, (alias, record))))
        with fields_as(NAMES):
            record = watches.edit(tx, record, body.spec(watches.spec_of(record)), call.at)
        if "webhook_url" in body.model_fields_set:
            alias = webhooks.put(tx, call, (alias, record), body.webhook_url)
        return _one(tx, call, (alias, record))

    return shown(Data(data=await call.write(changed, name)))


@router.delete("/checks/{name}", **answers(Data[Deleted]), openapi_extra=needs("watches.delete"))
async def remove_check(call: Called, name: str) -> Response:
    """Delete a check with all that was kept of it."""

    def removed(tx: Tx) -> None:
        watches.remove(tx, _found(tx, call, name, lock=True)[1])

    await call.write(removed, name)
    return shown(Data(data=Deleted()))


@router.post("/checks/{name}/pause", **answers(Data[Paused]), openapi_extra=needs("watches.pause"))
async def pause_check(call: Called, name: str) -> Response:
    """Judge no silence until the check is resumed."""

    def paused(tx: Tx) -> bool:
        record = _found(tx, call, name, lock=True)[1]
        already = watches.is_paused(record)
        if not already:
            watches.pause(tx, record, call.at)
        return already

    if await call.write(paused, name):
        return answer(400, "ALREADY_PAUSED", "Check is already paused")
    return shown(Data(data=Paused(paused=True, id=name)))


@router.post(
    "/checks/{name}/resume", **answers(Data[Paused]), openapi_extra=needs("watches.resume")
)
async def resume_check(call: Called, name: str) -> Response:
    """Expect pings again, from now on."""

    def resumed(tx: Tx) -> bool:
        record = _found(tx, call, name, lock=True)[1]
        was_paused = watches.is_paused(record)
        if was_paused:
            watches.resume(tx, record, call.at)
        return was_paused

    if not await call.write(resumed, name):
        return answer(400, "NOT_PAUSED", "Check is not paused")
    return shown(Data(data=Paused(paused=False, id=name)))


@router.get(
    "/checks/{name}/pings",
    **answers(Pings),
    openapi_extra=needs("watches.pings") | asks(LimitAsked),
)
async def list_pings(call: Called, name: str) -> Response:
    """List the last pings of a check, newest first."""
    asked = call.asked(LimitAsked)

    def found(tx: Tx, _: Any) -> Pings:
        record = _found(tx, call, name)[1]
        longest = allowances.plan_in(tx, call.workspace_id).output_bytes or LONGEST_OUTPUT
        rows = numbered.ping_page(tx, record, 1, asked.limit).items
        data = [Ping.of(row, longest) for row in rows]
        meta = PingsMeta(check_id=name, check_name=record.name, count=len(data))
        return Pings(data=data, meta=meta)

    return shown(await call.read(found))


@router.get(
    "/checks/{name}/status",
    **answers(StatusHistory),
    openapi_extra=needs("watches.flips") | asks(LimitAsked),
)
async def list_status(call: Called, name: str) -> Response:
    """List the last changes of status of a check, newest first."""
    asked = call.asked(LimitAsked)

    def found(tx: Tx, _: Any) -> StatusHistory:
        record = _found(tx, call, name)[1]
        data = [StatusEvent.of(turn) for turn in history.turns(tx, record, asked.limit)]
        meta = StatusMeta(
            check_id=name, check_name=record.name, current_status=status_of(record), count=len(data)
        )
        return StatusHistory(data=data, meta=meta)

    return shown(await call.read(found))


def _found(tx: Tx, call: DialectCall, name: str, *, lock: bool = False) -> Named:
    """Return a check; a monitor is none."""
    try:
        named = call.find(tx, name, lock=lock)
    except Problem:
        raise _missing() from None
    if named[1].probe:
        raise _missing()
    return named


def _missing() -> Problem:
    return Problem("not_found", "Check not found")


def _shown(tx: Tx, call: DialectCall, many: Sequence[Named]) -> list[Check]:
    urls = webhooks.shown(tx, call, many, WRITES)
    return [check(named, urls.get(named[0].name)) for named in many]


def _one(tx: Tx, call: DialectCall, named: Named) -> Check:
    return _shown(tx, call, [named])[0]
