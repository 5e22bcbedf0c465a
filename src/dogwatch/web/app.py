"""The web as a whole: pings in front, the API, health and metrics behind them."""

from functools import partial
from http import HTTPStatus
from typing import cast

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from dogwatch import __version__
from dogwatch.web import dashboard, dialects, hooks, manual, status
from dogwatch.web.api import native, problems
from dogwatch.web.health import Readiness, checks_of, healthz
from dogwatch.web.inbox import PingInbox
from dogwatch.web.metrics import Metrics
from dogwatch.web.page import FAVICON, HEADERS, STYLE_SHEET, html, page
from dogwatch.web.pings import App, Pings, Receive, Scope, Send
from dogwatch.web.services import Services

__all__ = ["Services", "build"]

FRONT = f"""
<h1>Dogwatch {__version__}</h1>
<p>It runs scheduled work, watches work that others run, and tells people when something did not
happen.</p>
<h2>Begin</h2>
<p>Watch a command that cron runs on some machine:</p>
<pre><code>dogwatch add "Nightly backup" --schedule "0 2 * * *"
dogwatch run nightly-backup -- ./backup.sh</code></pre>
<p>Or take over a whole crontab: <code>dogwatch import crontab</code>. What there is:
<code>dogwatch ls</code>, <code>dogwatch show SLUG</code>. All else:
<code>dogwatch --help</code>.</p>
<h2>For people</h2>
<ul>
<li><a href="account">Your account</a>, or <a href="login">sign in</a></li>
<li><a href="docs">The manual</a></li>
</ul>
<h2>For programs</h2>
<ul>
<li><a href="api/v1/docs">The API</a> and its
<a href="api/v1/openapi.json">OpenAPI document</a></li>
<li><a href="healthz">/healthz</a>, <a href="readyz">/readyz</a>,
<a href="metrics">/metrics</a></li>
</ul>
"""


def build(services: Services) -> App:
    """Return the ASGI application of one process."""
    metrics = Metrics(services)
    inbox = PingInbox(metrics.counted(services.record_pings))
    behind = dialects.dialect_pings(
        inbox,
        services.door,
        services.clock,
        cast("App", _behind(services, metrics)),
        services.trusted_proxies,
        services.ping_body_limit_bytes,
        services.limits.strangers if services.limits else None,
    )
    pings = Pings(
        inbox,
        services.clock,
        of_one_line(behind),
        services.trusted_proxies,
        services.ping_body_limit_bytes,
        services.limits.strangers if services.limits else None,
    )
    return dialects.Hosts(services.dialect_hosts, pings) if services.dialect_hosts else pings


def of_one_line(next_app: App) -> App:
    """Return an application whose paths hold no line feed: the patterns of routes stop at one, or
    overlook it at the end."""

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        if "\n" in scope.get("path", ""):
            scope = {**scope, "path": scope["path"].replace("\n", "\ufffd")}
        await next_app(scope, receive, send)

    return served


def worded(request: Request, status: int, detail: str) -> Response:
    """Return an error as a page to a browser, and as problem+json to all others."""
    if "text/html" not in request.headers.get("accept", ""):
        return problems.as_problem(request, status, detail)
    title = HTTPStatus(status).phrase
    root = "../" * (request.url.path.count("/") - 1)
    way = f'<p><a href="{root or "./"}">To the front page</a></p>'
    body = f"<h1>{title}</h1>\n<p>{detail[:1].upper()}{detail[1:]}.</p>\n{way}"
    return Response(page(title, body, root), status, HEADERS, "text/html; charset=utf-8")


async def _on_http(request: Request, error: Exception) -> Response:
    """Word what the framework refuses; of unknown paths, browsers get a page."""
    if isinstance(error, HTTPException) and error.status_code == HTTPStatus.NOT_FOUND:
        return worded(request, error.status_code, "there is nothing at this address")
    return await problems.on_http(request, error)


def _behind(services: Services, metrics: Metrics) -> FastAPI:
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.state.services = services
    problems.install(app, mistakes=worded)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_route("/style.css", STYLE_SHEET)
    app.add_route("/icon.svg", FAVICON)
    app.add_route("/healthz", healthz)
    app.add_route("/readyz", Readiness(partial(checks_of, services), services.clock).__call__)
    app.add_route("/metrics", metrics.__call__)
    app.add_route(hooks.PATH, hooks.start, methods=["POST"])
    dashboard.install(app, html("Dogwatch", FRONT))
    status.install(app, services)
    manual.install(app)
    app.mount("/api/v1", native(services))
    dialects.install(app, services)
    return app
