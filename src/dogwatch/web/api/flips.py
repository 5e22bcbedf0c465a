"""/flips: every change of a status."""

from fastapi import Response

from dogwatch.usecases import lists
from dogwatch.web.api.auth import needs, resource
from dogwatch.web.api.call import Called
from dogwatch.web.api.filters import Text, given
from dogwatch.web.api.pages import Paged
from dogwatch.web.api.wire import FlipOut, PageOf

router = resource("flips")


@router.get("", response_model=PageOf[FlipOut], **needs("flips.list"))
async def list_flips(call: Called, page: Paged, watch: Text = None) -> Response:
    """List flips, newest first."""
    filters = given(watch=watch)
    found = await call.read(
        lambda tx: lists.flip_page(tx, call.workspace_id, page.size, page.after, filters)
    )
    return page.answer(found, FlipOut.of, lambda flip: flip.id)
