"""The native API, a sub-application: one file per resource, and what they share."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from fastapi import FastAPI, Request, Response

from dogwatch import __version__
from dogwatch.usecases.holders import Holders
from dogwatch.web.api import (
    actions,
    audit_log,
    channels,
    deliveries,
    docs,
    flips,
    incidents,
    invitations,
    jobs,
    keys,
    maintenance,
    manifests,
    members,
    plans,
    probes,
    problems,
    rules,
    runs,
    status_pages,
    status_posts,
    surroundings,
    users,
    variables,
    watches,
    workflows,
    workspace,
    workspaces,
)
from dogwatch.web.api.document import completed
from dogwatch.web.page import Endpoint, html, served
from dogwatch.web.services import Services

_RESOURCES = (
    *(
        watches,
        surroundings,
        jobs,
        actions,
        probes,
        workflows,
        runs,
        flips,
        channels,
        rules,
        maintenance,
        incidents,
    ),
    *(deliveries, variables, status_pages, status_posts, manifests, workspace),
    *(keys, members, invitations, audit_log, users, workspaces, plans),
)


def native(services: Services) -> FastAPI:
    """Return the API, to be mounted at /api/v1."""
    app = FastAPI(
        title="Dogwatch",
        version=__version__,
        servers=[{"url": "/api/v1"}],
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.services = services
    app.state.holders = Holders(services.door, services.vault, services.clock)
    for resource in _RESOURCES:
        app.router.routes.extend(resource.router.routes)
        if resource is runs:
            app.router.routes.extend(actions.runs_router.routes)
            app.router.routes.extend(workflows.runs_router.routes)
    app.router.routes.extend(audit_log.instance_router.routes)
    problems.install(app)
    document = cache(lambda: completed(app.openapi()))
    app.add_route("/openapi.json", _once(lambda: _machine_readable(document())))
    app.add_route("/docs", _once(lambda: _human_readable(document())))
    return app


def _machine_readable(document: dict[str, Any]) -> Endpoint:
    return served(json.dumps(document).encode(), "application/json")


def _human_readable(document: dict[str, Any]) -> Endpoint:
    return html("Dogwatch API", docs.render(document), "../../")


def _once(made: Callable[[], Endpoint]) -> Endpoint:
    """Return what is made when it is first asked for: it takes longer than a start should."""
    kept = cache(made)

    async def answer(request: Request) -> Response:
        return await kept()(request)

    return answer
