"""The native API, a sub-application: one file per resource, and what they share."""

from typing import Any

from fastapi import FastAPI, Request, Response

from dogwatch import __version__
from dogwatch.web.api import (
    channels,
    deliveries,
    docs,
    flips,
    jobs,
    problems,
    rules,
    runs,
    watches,
    workspace,
)
from dogwatch.web.api.document import completed
from dogwatch.web.page import page, style_sheet
from dogwatch.web.services import Services

_RESOURCES = (watches, jobs, runs, flips, channels, rules, deliveries, workspace)


def native(services: Services) -> FastAPI:
    """Return the API, to be mounted at /api/v1."""
    app = FastAPI(
        title="Dogwatch",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.services = services
    for resource in _RESOURCES:
        app.router.routes.extend(resource.router.routes)
    problems.install(app)
    _document(app)
    return app


def _document(app: FastAPI) -> None:
    written = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = completed(written())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it

    async def documentation(request: Request) -> Response:
        return page("Dogwatch API", docs.render(app.openapi()), "docs.css")

    async def style(request: Request) -> Response:
        return style_sheet()

    app.add_route("/docs", documentation, include_in_schema=False)
    app.add_route("/docs.css", style, include_in_schema=False)
