"""The routes of CronMonitor, in the order of its document."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request, Response

from dogwatch.usecases import aliases, numbered, watches
from dogwatch.usecases.aliases import Named
from dogwatch.usecases.door import Tx
from dogwatch.web.dialect.call import Called, DialectCall, asks, fields_as, shown, takes
from dogwatch.web.dialect.gate import bearer
from dogwatch.web.dialect.refusal import Refusal, Refused
from dogwatch.web.dialect.route import needs, router_of
from dogwatch.web.dialects.cronmonitor.wire import (
    NOT_CRON,
    Data,
    Items,
    Meta,
    Monitor,
    MonitorChange,
    MonitorChanged,
    MonitorDetail,
    MonitorMade,
    MonitorNew,
    PageAsked,
    Paused,
    Ping,
    PingsAsked,
    Resumed,
    detail,
    fields_of,
    is_known,
    status_of,
)

BASE = "/api/v1"
FIELDS: Mapping[str, str] = {"start_by_s": "grace_period"}

router = router_of(BASE)


async def token_of(request: Request) -> str | None:
    """Return the token that was sent; Authorization decides where both are."""
    if "authorization" in request.headers:
        return await bearer(request)
    return request.headers.get("x-api-key")


@router.get(
    "/monitors",
    response_model=Items[Monitor],
    openapi_extra=needs("watches.list") | asks(PageAsked),
)
async def list_monitors(call: Called) -> Response:
    """List monitors, oldest first."""
    asked = call.asked(PageAsked)

    def found(tx: Tx, naming: Any) -> Items[Monitor]:
        page = numbered.watch_page(tx, call.workspace_id, asked.page, asked.per_page)
        data = [Monitor(**fields_of(named)) for named in naming(tx, page.items)]
        meta = Meta(total=page.total, page=asked.page, per_page=asked.per_page)
        return Items(data=data, meta=meta)

    return shown(await call.read(found))


@router.get(
    "/monitors/{name}", response_model=Data[MonitorDetail], openapi_extra=needs("watches.show")
)
async def show_monitor(call: Called, name: str) -> Response:
    """Show a monitor."""

    def found(tx: Tx, _: Any) -> MonitorDetail:
        named = call.find(tx, name)
        return detail(named, _ping_url(call, named), numbered.tally(tx, named[1]))

    return shown(Data(data=await call.read(found)))


@router.post(
    "/monitors",
    response_model=Data[MonitorMade],
    status_code=201,
    openapi_extra=needs("watches.make") | takes(MonitorNew),
)
async def make_monitor(call: Called) -> Response:
    """Make a monitor; `enabled: false` makes one that is paused."""
    body = await call.sent(MonitorNew)

    def made(tx: Tx) -> MonitorMade:
        with fields_as(FIELDS):
            record = watches.add(tx, call.workspace_id, body.spec(), call.at)
        if not body.enabled:
            record = watches.pause(tx, watches.find(tx, *record.key, lock=True), call.at)
        named = aliases.give(tx, record, call.tongue.name), record
        return MonitorMade(**fields_of(named), ping_url=_ping_url(call, named))

    return shown(Data(data=await call.write(made)), 201)


@router.patch(
    "/monitors/{name}",
    response_model=Data[MonitorChanged],
    openapi_extra=needs("watches.change") | takes(MonitorChange),
)
async def change_monitor(call: Called, name: str) -> Response:
    """Change a monitor; what is not sent stays."""
    body = await call.sent(MonitorChange)

    def changed(tx: Tx) -> MonitorChanged:
        alias, record = call.find(tx, name, lock=True)
        before = watches.spec_of(record)
        spec = body.spec(before)
        if spec.schedule != before.schedule and not is_known(spec.schedule or ""):
            raise Refused(Refusal("invalid", NOT_CRON, {"schedule": NOT_CRON}))
        with fields_as(FIELDS):
            record = watches.edit(tx, record, spec, call.at)
        if "enabled" in body.model_fields_set:
            record = watches.switch(tx, record, call.at, on=body.enabled)
        return MonitorChanged(**fields_of((alias, record)))

    return shown(Data(data=await call.write(changed, name)))


@router.delete("/monitors/{name}", status_code=204, openapi_extra=needs("watches.delete"))
async def remove_monitor(call: Called, name: str) -> Response:
    """Delete a monitor with all that was kept of it."""

    def removed(tx: Tx) -> None:
        watches.remove(tx, call.find(tx, name, lock=True)[1])

    await call.write(removed, name)
    return Response(status_code=204)


@router.post(
    "/monitors/{name}/pause", response_model=Data[Paused], openapi_extra=needs("watches.pause")
)
async def pause_monitor(call: Called, name: str) -> Response:
    """Expect nothing until it is resumed."""

    def paused(tx: Tx) -> Paused:
        alias, record = call.find(tx, name, lock=True)
        record = watches.switch(tx, record, call.at, on=False)
        return Paused(id=alias.name, status="paused", paused_at=record.watch.since_at or call.at)

    return shown(Data(data=await call.write(paused, name)))


@router.post(
    "/monitors/{name}/resume", response_model=Data[Resumed], openapi_extra=needs("watches.resume")
)
async def resume_monitor(call: Called, name: str) -> Response:
    """Expect again from now on; nobody is told of what was due meanwhile."""

    def resumed(tx: Tx) -> Resumed:
        alias, record = call.find(tx, name, lock=True)
        record = watches.switch(tx, record, call.at, on=True)
        return Resumed(id=alias.name, status=status_of(record), resumed_at=call.at)

    return shown(Data(data=await call.write(resumed, name)))


@router.get(
    "/monitors/{name}/pings",
    response_model=Items[Ping],
    openapi_extra=needs("watches.pings") | asks(PingsAsked),
)
async def list_pings(call: Called, name: str) -> Response:
    """List the pings of a monitor, newest first."""
    asked = call.asked(PingsAsked)

    def found(tx: Tx, _: Any) -> Items[Ping]:
        _, record = call.find(tx, name)
        page = numbered.ping_page(
            tx, record, asked.page, asked.limit, asked.from_at, asked.until_at
        )
        meta = Meta(total=page.total, page=asked.page, per_page=asked.limit)
        return Items(data=[Ping.of(row) for row in page.items], meta=meta)

    return shown(await call.read(found))


def _ping_url(call: DialectCall, named: Named) -> str:
    return f"{call.origin}/ping/{named[0].ping_key}"
