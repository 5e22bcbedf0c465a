"""/http-monitors: endpoints that are asked, and how they answered."""

from collections.abc import Sequence
from typing import Any

from fastapi import Response

from dogwatch.core.problems import Problem
from dogwatch.usecases import aliases, allowances, monitors, probes, watches
from dogwatch.usecases.aliases import Named
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import Record
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
from dogwatch.web.dialect.refusal import Refusal, Refused
from dogwatch.web.dialect.route import needs
from dogwatch.web.dialects.cronowl import webhooks
from dogwatch.web.dialects.cronowl.fields import is_inside
from dogwatch.web.dialects.cronowl.monitor_wire import (
    Monitor,
    MonitorChange,
    MonitorDeleted,
    MonitorNew,
    MonitorsAsked,
    monitor,
    status_of,
)
from dogwatch.web.dialects.cronowl.routes import answers, may, router
from dogwatch.web.dialects.cronowl.wire import Data, Items

WRITES = "write:jobs"
INSIDE = "Cannot monitor localhost or private IP addresses"
NAMES = {
    "target.url": "url",
    "target.headers": "headers",
    "target.body": "body",
    "target.assertions": "assertions",
    "target.expected_status": "expectedStatusCodes",
    "failures_before_down": "alertAfterFailures",
    "schedule": "intervalSeconds",
    "slow_after_ms": "assertions",
}


@router.get(
    "/http-monitors",
    **answers(Items[Monitor]),
    openapi_extra=needs("probes.list") | asks(MonitorsAsked),
)
async def list_monitors(call: Called) -> Response:
    """List HTTP monitors, newest first."""
    asked = call.asked(MonitorsAsked)

    def chosen(record: Record) -> bool:
        return asked.has(status_of(record), record.tags)

    def found(tx: Tx, naming: Any) -> Items[Monitor]:
        page = monitors.page(
            tx, call.workspace_id, asked.page, asked.limit, chosen, call.services.vault
        )
        return Items(data=_shown(tx, call, naming(tx, page.items)), meta=asked.meta(page.total))

    return shown(await call.read(found))


@router.post(
    "/http-monitors",
    **answers(Data[Monitor]),
    openapi_extra=needs("probes.make") | takes(MonitorNew),
)
async def make_monitor(call: Called) -> Response:
    """Make a monitor; how often it asks is what the plan allows, if that is less."""
    body = await call.sent(MonitorNew)
    _check_url(call, body.url)

    def made(tx: Tx) -> Monitor:
        with fields_as(NAMES):
            spec = body.spec(_least_s(tx, call))
            record = probes.add(tx, call.workspace_id, spec, call.services.vault, call.at)
        named = aliases.give(tx, record, call.tongue.name), record
        return _one(tx, call, (webhooks.put(tx, call, named, body.webhook_url), record))

    return shown(Data(data=await call.write(made)))


@router.get("/http-monitors/{name}", **answers(Data[Monitor]), openapi_extra=needs("probes.show"))
async def show_monitor(call: Called, name: str) -> Response:
    """Show a monitor."""
    return shown(Data(data=await call.read(lambda tx, _: _one(tx, call, _found(tx, call, name)))))


@router.patch(
    "/http-monitors/{name}",
    **answers(Data[Monitor]),
    openapi_extra=needs("probes.change") | takes(MonitorChange),
)
async def change_monitor(call: Called, name: str) -> Response:
    """Change a monitor; what is not sent stays, an assertion that is not named as well."""
    said = await call.body()

    def changed(tx: Tx) -> Monitor:
        alias, record = _found(tx, call, name, lock=True)
        body = checked(MonitorChange, news(said, _one(tx, call, (alias, record))))
        if "url" in body.model_fields_set:
            _check_url(call, body.url)
        with fields_as(NAMES):
            record = _edited(tx, call, record, body)
        if "is_enabled" in body.model_fields_set:
            record = watches.switch(tx, record, call.at, on=body.is_enabled)
        if "webhook_url" in body.model_fields_set:
            alias = webhooks.put(tx, call, (alias, record), body.webhook_url)
        return _one(tx, call, (alias, record))

    return shown(Data(data=await call.write(changed, name)))


@router.delete(
    "/http-monitors/{name}", **answers(Data[MonitorDeleted]), openapi_extra=needs("probes.delete")
)
async def remove_monitor(call: Called, name: str) -> Response:
    """Delete a monitor with all that was kept of it."""

    def removed(tx: Tx) -> None:
        watches.remove(tx, _found(tx, call, name, lock=True)[1])

    await call.write(removed, name)
    return shown(Data(data=MonitorDeleted(id=name)))


def _edited(tx: Tx, call: DialectCall, record: Record, body: MonitorChange) -> Record:
    vault = call.services.vault
    asked = monitors.one(tx, record, vault, call.at)
    _, job = probes.find(tx, call.workspace_id, record.id)
    before = probes.spec_of(job, watches.spec_of(record), vault)
    spec = body.spec(before, asked, _least_s(tx, call))
    return record if spec == before else probes.edit(tx, record, spec, vault, call.at)


def _least_s(tx: Tx, call: DialectCall) -> int:
    return allowances.plan_in(tx, call.workspace_id).min_interval_s


def _check_url(call: DialectCall, url: str) -> None:
    if is_inside(url, call.services.allow_private_targets):
        raise Refused(Refusal("invalid", INSIDE, {"url": INSIDE}))


def _found(tx: Tx, call: DialectCall, name: str, *, lock: bool = False) -> Named:
    """Return a monitor; a check is none, nor is what we probe by other means than HTTP."""
    try:
        named = call.find(tx, name, lock=lock)
        monitors.one(tx, named[1], call.services.vault, call.at)
    except Problem:
        raise Problem("not_found", "HTTP monitor not found") from None
    return named


def _shown(tx: Tx, call: DialectCall, many: Sequence[Named]) -> list[Monitor]:
    urls = webhooks.shown(tx, call, many, WRITES)
    around = monitors.around(tx, [record for _, record in many], call.services.vault, call.at)
    names = {record.id: alias for alias, record in many}
    writes = may(call, WRITES)
    return [
        monitor(alias, asked, urls.get(alias.name), whole=writes)
        for asked in around
        if (alias := names[asked.record.id])
    ]


def _one(tx: Tx, call: DialectCall, named: Named) -> Monitor:
    return _shown(tx, call, [named])[0]
