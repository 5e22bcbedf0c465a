"""Public status pages: `/status/{slug}`, and the same as .json, .rss, .ics and .svg."""

import hashlib
from collections.abc import Callable, Mapping
from importlib.resources import files

from fastapi import FastAPI, Request, Response

from dogwatch.usecases.status_view import View
from dogwatch.web.page import HEADERS, html, served
from dogwatch.web.services import Services
from dogwatch.web.status import badge, calendar, feed, page, plain
from dogwatch.web.status.views import FRESH_S, Views

__all__ = ["Views", "install"]

_STYLE = files(__name__).joinpath("status.css").read_bytes()
STYLE_ADDRESS = f"status-{hashlib.sha256(_STYLE).hexdigest()[:16]}.css"
_STYLE_SHEET = served(
    _STYLE,
    "text/css; charset=utf-8",
    {"X-Content-Type-Options": "nosniff", "Cache-Control": "public, max-age=31536000, immutable"},
)
_MISSING = html(
    "Not found", "<h1>Not found</h1><p>There is no status page at this address.</p>", "../",
    status=404,
)  # fmt: skip

# Ending -> media type, and what makes the content of a view and the page's own address.
FORMS: Mapping[str, tuple[str, Callable[[View, str], str]]] = {
    "": ("text/html; charset=utf-8", lambda view, url: page.drawn(view, url, STYLE_ADDRESS)),
    "json": ("application/json", plain.written),
    "rss": ("application/rss+xml; charset=utf-8", feed.written),
    "ics": ("text/calendar; charset=utf-8", calendar.written),
    "svg": ("image/svg+xml", lambda view, _: badge.drawn("status", view.state)),
}


def install(app: FastAPI, services: Services) -> None:
    """Add the pages to an application."""
    views = Views(services)

    async def show(request: Request) -> Response:
        slug, _, ending = str(request.path_params["name"]).partition(".")
        view = await views.get(slug) if ending in FORMS else None
        if view is None:
            return await _MISSING(request)
        url = f"{services.base_url.rstrip('/')}/status/{slug}"
        return _answer(request, view, *FORMS[ending], url)

    app.add_route("/status/{name}", show)
    app.add_route(f"/{STYLE_ADDRESS}", _STYLE_SHEET)


def _answer(
    request: Request, view: View, media_type: str, write: Callable[[View, str], str], url: str
) -> Response:
    content = write(view, url).encode()
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {**HEADERS, "ETag": tag, "Cache-Control": f"public, max-age={FRESH_S}"}
    if not view.page.public:
        headers["X-Robots-Tag"] = "noindex"
    if tag in request.headers.get("if-none-match", ""):
        return Response(None, 304, headers)
    return Response(content, 200, headers, media_type)
