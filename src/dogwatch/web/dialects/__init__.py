"""The dialects: one folder each, strangers to each other. A new one has its line below."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from functools import cache

from fastapi import FastAPI, Request, Response

from dogwatch.clock import Clock
from dogwatch.core.dialects import DIALECTS
from dogwatch.usecases.door import Door
from dogwatch.usecases.limiting import Limiter
from dogwatch.web.dialect.application import application
from dogwatch.web.dialect.document import completed
from dogwatch.web.dialect.front import front
from dogwatch.web.dialect.pings import DialectPings, PingForm
from dogwatch.web.dialect.tongue import Tongue
from dogwatch.web.dialects import (
    cronbeats,
    cronium,
    cronmonitor,
    cronowl,
    cronpulse,
    healthchecks,
)
from dogwatch.web.inbox import PingInbox
from dogwatch.web.origin import Network
from dogwatch.web.page import FAVICON, STYLE_SHEET, served
from dogwatch.web.pings import App, Receive, Scope, Send
from dogwatch.web.services import Services

_ALL = (cronbeats, cronium, cronmonitor, cronowl, cronpulse, healthchecks)
_PINGED = (cronbeats, cronmonitor, cronowl, cronpulse, healthchecks)

TONGUES: tuple[Tongue, ...] = tuple(one.TONGUE for one in _ALL)
PING_FORMS: tuple[PingForm, ...] = tuple(one.PINGS for one in _PINGED)


def dialect_pings(
    inbox: PingInbox,
    door: Door | None,
    clock: Clock,
    next_app: App,
    trusted_proxies: Sequence[Network],
    body_limit_bytes: int,
    unknown: Limiter | None = None,
) -> DialectPings:
    """Return what answers the pings of every dialect, with `next_app` behind it."""
    own = {form.name: form for form in PING_FORMS}
    mounts = {DIALECTS[tongue.name].mount: own.get(tongue.name) for tongue in TONGUES}
    return DialectPings(
        PING_FORMS, mounts, inbox, door, clock, next_app, trusted_proxies, body_limit_bytes, unknown
    )


class Hosts:
    """Leads requests to a host name of a dialect to where that dialect is mounted."""

    def __init__(self, hosts: Mapping[str, str], next_app: App) -> None:
        self._mounts = {host.encode(): DIALECTS[name].mount for name, host in hosts.items()}
        self._next_app = next_app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        mount = self._mounts.get(_host(scope)) if scope["type"] == "http" else None
        if mount:
            raw = f"/{mount}".encode() + scope.get("raw_path", b"")
            scope = {**scope, "path": f"/{mount}{scope['path']}", "raw_path": raw}
        await self._next_app(scope, receive, send)


def _host(scope: Scope) -> bytes:
    """Return the host that was asked for, in lower case and without its port."""
    found = next((value for name, value in scope["headers"] if name == b"host"), b"")
    return bytes(found).lower().partition(b":")[0]


def install(app: FastAPI, services: Services) -> None:
    """Have an application speak every dialect, each below its mount."""
    for tongue in TONGUES:
        mount, page = f"/{DIALECTS[tongue.name].mount}", front(tongue, services)
        app.add_route(mount, page)
        app.add_route(f"{mount}/", page)
        app.add_route(f"{mount}/style.css", STYLE_SHEET)
        app.add_route(f"{mount}/icon.svg", FAVICON)
        app.mount(mount, documented(application(tongue, services), tongue))


def documented(app: FastAPI, tongue: Tongue) -> FastAPI:
    """Return the application of a dialect with its OpenAPI document."""

    @cache
    def written(server: str) -> str:
        return json.dumps(completed(app.openapi(), tongue) | {"servers": [{"url": server}]})

    async def document(request: Request) -> Response:
        services: Services = app.state.services
        own = request.url.hostname == services.dialect_hosts.get(tongue.name)
        server = "/" if own else f"/{DIALECTS[tongue.name].mount}"
        text = await asyncio.to_thread(written, server)  # the first takes long, and nobody waits
        return await served(text.encode(), "application/json", {})(request)

    for base in (tongue.base, ""):  # clients differ in what they call the base
        app.add_route(f"{base}/openapi.json", document)
    return app
