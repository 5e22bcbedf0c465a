"""Servers: there are none. Events run where Dogwatch runs, and nowhere over SSH."""

from fastapi import Response

from dogwatch.web.dialect.call import Called, asks
from dogwatch.web.dialect.route import needs, router_of
from dogwatch.web.dialects.cronium.answers import (
    PageAsked,
    Pagination,
    Shape,
    answer,
    enveloped,
    listed,
)
from dogwatch.web.dialects.cronium.routes.calls import BASE

router = router_of(f"{BASE}/servers")


class ServerOut(Shape):
    """A server, of which there is none."""

    id: int
    name: str
    address: str
    port: int
    username: str
    status: str
    last_health_check: str | None
    created_at: str


class SomeServers(Shape):
    """A page of servers."""

    servers: list[ServerOut]
    pagination: Pagination


@router.get(
    "", response_model=enveloped(SomeServers), openapi_extra=needs("jobs.list") | asks(PageAsked)
)
async def list_servers(call: Called) -> Response:
    """List servers: none."""
    data = SomeServers(servers=[], pagination=call.asked(PageAsked).pagination(0))
    return answer(data, listed("servers", data.servers), call.at)
