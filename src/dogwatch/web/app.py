"""The web as a whole: pings in front, the API, health and metrics behind them."""

from functools import partial
from typing import cast

from fastapi import FastAPI

from dogwatch import __version__
from dogwatch.web import dashboard
from dogwatch.web.api import native, problems
from dogwatch.web.health import Readiness, checks_of, healthz
from dogwatch.web.inbox import PingInbox
from dogwatch.web.metrics import Metrics
from dogwatch.web.page import FAVICON, STYLE_SHEET, html
from dogwatch.web.pings import App, Pings
from dogwatch.web.services import Services

__all__ = ["Services", "build"]

# SQLite has one writer; PostgreSQL records batches side by side.
LANES = {"sqlite": 1, "postgresql": 4}

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
</ul>
<h2>For programs</h2>
<ul>
<li><a href="api/v1/docs">The API</a> and its
<a href="api/v1/openapi.json">OpenAPI document</a></li>
<li><a href="healthz">/healthz</a>, <a href="readyz">/readyz</a>,
<a href="metrics">/metrics</a></li>
</ul>
"""
# Alerts link here. It is the same for every name, so that it tells nobody which ones there are.
WATCH = """
<h1>A watch</h1>
<p>Pages of single watches do not exist yet. The last part of this address is the watch's slug; on
the command line it shows all there is:</p>
<pre><code>dogwatch show SLUG
dogwatch runs SLUG
dogwatch logs SLUG</code></pre>
<p>The same through <a href="../api/v1/docs">the API</a>, with a key: <code>GET
/api/v1/watches/SLUG</code>, <code>GET /api/v1/watches/SLUG/runs</code> and <code>GET
/api/v1/runs/ID/output</code>.</p>
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
        services.limits.unknown_pings if services.limits else None,
    )


def _behind(services: Services, metrics: Metrics) -> FastAPI:
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.state.services = services
    problems.install(app)
    app.add_route("/", html("Dogwatch", FRONT))
    app.add_route("/i/{slug}", html("A watch – Dogwatch", WATCH, "../"))
    app.add_route("/style.css", STYLE_SHEET)
    app.add_route("/icon.svg", FAVICON)
    app.add_route("/healthz", healthz)
    app.add_route("/readyz", Readiness(partial(checks_of, services), services.clock).__call__)
    app.add_route("/metrics", metrics.__call__)
    dashboard.install(app)
    app.mount("/api/v1", native(services))
    return app
