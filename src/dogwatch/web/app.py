"""The web as a whole: pings in front, the API, health and metrics behind them."""

from typing import cast

from fastapi import FastAPI, Request, Response

from dogwatch import __version__
from dogwatch.web.api import native, problems
from dogwatch.web.health import healthz, readyz
from dogwatch.web.inbox import PingInbox
from dogwatch.web.metrics import Metrics
from dogwatch.web.page import page, style_sheet
from dogwatch.web.pings import App, Pings
from dogwatch.web.services import Services

__all__ = ["Services", "build"]

# SQLite has one writer; PostgreSQL records batches side by side.
LANES = {"sqlite": 1, "postgresql": 4}

FRONT = f"""
<h1>Dogwatch {__version__}</h1>
<p>It runs scheduled work, watches work that others run, and tells people when something did not
happen.</p>
<ul>
<li><a href="api/v1/docs">The API</a> and its
<a href="api/v1/openapi.json">OpenAPI document</a></li>
<li><a href="healthz">/healthz</a>, <a href="readyz">/readyz</a>,
<a href="metrics">/metrics</a></li>
</ul>
<p>On the command line: <code>dogwatch --help</code>.</p>
"""


def build(services: Services) -> App:
    """Return the ASGI application of one process."""
    metrics = Metrics(services)
    inbox = PingInbox(metrics.counted(services.record_pings), lanes=LANES[services.dialect])
    return Pings(
        inbox,
        services.clock,
        cast("App", _behind(services, metrics)),
        services.trusted_proxies,
        services.ping_body_limit_bytes,
    )


def _behind(services: Services, metrics: Metrics) -> FastAPI:
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.state.services = services
    problems.install(app)
    app.add_route("/", _front)
    app.add_route("/style.css", _style)
    app.add_route("/healthz", healthz)
    app.add_route("/readyz", readyz)
    app.add_route("/metrics", metrics.__call__)
    app.mount("/api/v1", native(services))
    return app


async def _front(request: Request) -> Response:
    return page("Dogwatch", FRONT, "style.css")


async def _style(request: Request) -> Response:
    return style_sheet()
