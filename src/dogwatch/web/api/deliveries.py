"""/deliveries: what was told to whom, and what came of it."""

from typing import Annotated

from fastapi import Query, Response

from dogwatch.usecases import lists
from dogwatch.web.api.auth import needs, resource
from dogwatch.web.api.call import Called, Id, shown
from dogwatch.web.api.filters import DeliveryState, Text, given
from dogwatch.web.api.pages import Paged
from dogwatch.web.api.wire import DeliveryDetail, DeliveryOut, PageOf
from dogwatch.web.receipts import awaited

WaitS = Annotated[int, Query(ge=0, le=25, description="Seconds to wait for the first receipt.")]

router = resource("deliveries")


@router.get("", response_model=PageOf[DeliveryOut], **needs("deliveries.list"))
async def list_deliveries(
    call: Called, page: Paged, state: DeliveryState = None, watch: Text = None, channel: Text = None
) -> Response:
    """List deliveries, newest first."""
    filters = given(state=state, watch=watch, channel_id=channel)
    found = await call.read(
        lambda tx: lists.delivery_page(tx, call.workspace_id, page.size, page.after, filters)
    )
    return page.answer(found, DeliveryOut.of, lambda delivery: delivery.id)


@router.get("/{name}", response_model=DeliveryDetail, **needs("deliveries.show"))
async def show_delivery(call: Called, name: Id, wait_s: WaitS = 0) -> Response:
    """Show a delivery with a receipt per attempt; with `wait_s`, once there is one."""
    found = await awaited(call.services, call.workspace_id, name, wait_s)
    return shown(DeliveryDetail.made(*found))
