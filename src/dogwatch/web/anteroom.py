"""What a node answers until its database is there: it takes pings, all else is 503."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import cast

from fastapi import FastAPI, Request, Response

from dogwatch.clock import Clock
from dogwatch.core.ping import Answer, Heard
from dogwatch.core.problems import Problem
from dogwatch.web.api import problems
from dogwatch.web.dialects import Hosts, dialect_pings
from dogwatch.web.health import Readiness, healthz, spooled
from dogwatch.web.inbox import PingInbox
from dogwatch.web.origin import Network
from dogwatch.web.pings import App, Pings

WAITED_FOR = "the database is away; pings are kept until it is back"
RETRY_S = 5
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


def build(
    record_pings: Callable[[Sequence[Heard]], Awaitable[Sequence[Answer]]],
    probe_spool: Callable[[], None],
    clock: Clock,
    trusted_proxies: Sequence[Network],
    ping_body_limit_bytes: int,
    dialect_hosts: Mapping[str, str],
) -> App:
    """Return the ASGI application; `probe_spool` raises where no ping would be kept now."""

    async def checks() -> Mapping[str, str]:
        return {"database": "it is waited for", "pings": await spooled(probe_spool)}

    app = FastAPI(openapi_url=None, redirect_slashes=False)
    problems.install(app)
    app.add_route("/healthz", healthz)
    app.add_route("/readyz", Readiness(checks, clock).__call__)
    app.add_route("/{path:path}", _away, METHODS)
    inbox = PingInbox(record_pings)
    behind = dialect_pings(
        inbox, None, clock, cast("App", app), trusted_proxies, ping_body_limit_bytes
    )
    pings = Pings(inbox, clock, behind, trusted_proxies, ping_body_limit_bytes)
    return Hosts(dialect_hosts, pings) if dialect_hosts else pings


async def _away(request: Request) -> Response:
    raise Problem("away", WAITED_FOR, retry_after_s=RETRY_S)
