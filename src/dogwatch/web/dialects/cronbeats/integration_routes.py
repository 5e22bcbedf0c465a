"""The routes of CronBeats' integrations, in the order of its document."""

from typing import Any

from fastapi import Response

from dogwatch.core.problems import Problem
from dogwatch.usecases import telling
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import Delivery
from dogwatch.web.dialect.call import Called, DialectCall, shown, takes
from dogwatch.web.dialect.route import needs, router_of
from dogwatch.web.dialects.cronbeats.errors import refused
from dogwatch.web.dialects.cronbeats.integrations import Shelf, shelf_of
from dogwatch.web.dialects.cronbeats.integrations_wire import (
    CONFIGS,
    SENT,
    AlertRules,
    AlertRulesSent,
    Integration,
    Tested,
)
from dogwatch.web.dialects.cronbeats.wire import Data
from dogwatch.web.receipts import awaited

# How long a caller waits for what the service answers to a test.
WAIT_S = 10.0
MISSING = "Integration not found"

router = router_of("/api/v1/integrations")


@router.get("", response_model=Data[list[Integration]], openapi_extra=needs("channels.list"))
async def list_integrations(call: Called) -> Response:
    """List all integrations, configured or not."""

    def found(tx: Tx, _: Any) -> list[Integration]:
        return list(map(_shelf(tx, call).shown, CONFIGS))

    return shown(Data(data=await call.read(found)))


@router.get("/alert-rules", response_model=Data[AlertRules], openapi_extra=needs("rules.list"))
async def show_alert_rules(call: Called) -> Response:
    """Show of what the integrations tell."""
    return shown(Data(data=await call.read(lambda tx, _: _shelf(tx, call).alert_rules)))


@router.put(
    "/alert-rules",
    response_model=Data[AlertRules],
    openapi_extra=needs("rules.change") | takes(AlertRulesSent),
)
async def change_alert_rules(call: Called) -> Response:
    """Change of what the integrations tell; what is not sent stays."""
    changes = (await call.sent(AlertRulesSent)).model_dump(exclude_unset=True)

    def changed(tx: Tx) -> AlertRules:
        return _shelf(tx, call, lock=True).tell_of(changes).alert_rules

    return shown(Data(data=await call.write(changed, "alert-rules")))


def _serve(kind: str) -> None:
    """Serve the route that configures one type."""

    async def configure(call: Called) -> Response:
        sent = (await call.sent(SENT[kind])).given()

        def changed(tx: Tx) -> Integration:
            return _shelf(tx, call, lock=True).configure(kind, sent).shown(kind)

        return shown(Data(data=await call.write(changed, kind)))

    router.add_api_route(
        f"/{kind}",
        configure,
        methods=["PUT"],
        name=f"configure_{kind}",
        summary=f"Configure {kind.title()}",
        description="What is not sent, or as its mask, stays; an empty address or token clears it.",
        response_model=Data[Integration],
        openapi_extra=needs("channels.change") | takes(SENT[kind]),
    )


for _kind in SENT:
    _serve(_kind)


@router.post("/{kind}/test", response_model=Tested, openapi_extra=needs("channels.test"))
async def try_integration(call: Called, kind: str) -> Response:
    """Send a real test message, and say what the service answered."""
    if kind not in CONFIGS:
        raise Problem("not_found", MISSING)

    def queued(tx: Tx) -> Delivery | None:
        channel = _shelf(tx, call).channel(kind)
        if channel is None:
            return None
        return telling.test_channel(tx, call.workspace_id, channel.id, call.at)

    delivery = await call.write(queued, kind)
    if delivery is None:
        return refused(400, "not_configured", "Integration is not configured", call.at)
    told = await _answered(call, delivery.id)
    if told is None:
        return shown(Tested(message="Test message is on its way"))
    state, words = told
    if state == "sent":
        return shown(Tested(message="Test message sent"))
    return refused(400, "test_failed", f"The test message was not taken: {words}", call.at)


# --- what the routes share ---------------------------------------------------------------------


def _shelf(tx: Tx, call: DialectCall, *, lock: bool = False) -> Shelf:
    return shelf_of(tx, call.workspace_id, call.services.vault, call.at, lock=lock)


async def _answered(call: DialectCall, delivery_id: str) -> tuple[str, str] | None:
    """Return what became of the first attempt, and the service's words; None: nothing yet."""
    delivery, receipts = await awaited(call.services, call.workspace_id, delivery_id, WAIT_S)
    if receipts:
        return str(receipts[0].verdict), receipts[0].detail
    return None if delivery.state == "pending" else (delivery.state, delivery.reason)
