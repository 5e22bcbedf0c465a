"""/deliveries: what was told to whom, and what came of it."""

from fastapi import Response

from dogwatch.usecases import lists
from dogwatch.web.api.auth import needs, resource
from dogwatch.web.api.call import Called, Id, shown
from dogwatch.web.api.filters import DeliveryState, Text, given
from dogwatch.web.api.pages import Paged
from dogwatch.web.api.wire import DeliveryDetail, DeliveryOut, PageOf

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
async def show_delivery(call: Called, name: Id) -> Response:
    """Show a delivery with a receipt per attempt."""
    found = await call.read(lambda tx: lists.delivery(tx, call.workspace_id, name))
    return shown(DeliveryDetail.made(*found))
