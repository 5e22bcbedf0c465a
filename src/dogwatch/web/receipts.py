"""What a channel answered, for whoever waits for it."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from dogwatch.usecases import lists
from dogwatch.usecases.lists import Delivery, Receipt
from dogwatch.web.services import Services

POLL_S = 0.25


async def awaited(
    services: Services, workspace_id: int, delivery_id: str, wait_s: float
) -> tuple[Delivery, Sequence[Receipt]]:
    """Return a delivery with its receipts, as soon as there is one or it is settled; at the latest
    after `wait_s`."""
    clock, stopping = services.clock, services.stopping
    until = clock.monotonic() + wait_s
    while True:
        delivery, receipts = await services.door.aread(
            lambda tx: lists.delivery(tx, workspace_id, delivery_id), workspace_id
        )
        heard = receipts or delivery.state != "pending"
        if heard or stopping.is_set() or clock.monotonic() >= until:
            return delivery, receipts
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), POLL_S)
