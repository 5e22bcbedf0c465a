"""What CronOwl tells anybody: status pages with their badges, and whether it is there."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from fastapi import Request, Response

from dogwatch import __version__
from dogwatch.core.uptime import Day, percent
from dogwatch.core.watch import Status
from dogwatch.usecases.status_view import Component, Post, View
from dogwatch.web.dialect.times import Instant
from dogwatch.web.dialects.cronowl.wire import Wire
from dogwatch.web.page import Endpoint
from dogwatch.web.services import Services
from dogwatch.web.status.badge import drawn
from dogwatch.web.status.views import FRESH_S, Views

RECENT = 10
CACHED = {"Cache-Control": f"public, s-maxage={FRESH_S}, stale-while-revalidate={2 * FRESH_S}"}
_STATUSES = {"operational": "up", "degraded": "up", "down": "down", "unknown": "new"}
_DAYS = {None: "unknown", Status.UP: "up", Status.DEGRADED: "degraded", Status.DOWN: "down"}
MINUTE_S = 60


class Health(Wire):
    """That the server answers; `uptime` in seconds."""

    status: str
    timestamp: Instant
    uptime: float
    version: str


async def health(request: Request) -> Response:
    """Say that the server answers."""
    services: Services = request.app.state.services
    body = Health(
        status="ok",
        timestamp=services.clock.now(),
        uptime=round(services.clock.monotonic() - request.app.state.began_s, 3),
        version=__version__,
    )
    return Response(body.model_dump_json(), media_type="application/json")


class DayOut(Wire):
    """A day of the last 90."""

    date: str
    status: str
    uptime_percent: float | None
    down_minutes: int

    @classmethod
    def of(cls, day: Day) -> "DayOut":
        """Return the shape of a day."""
        return cls(
            date=day.date.isoformat(),
            status=_DAYS[day.status],
            uptime_percent=percent([day]),
            down_minutes=round(day.down_s / MINUTE_S),
        )


class CheckOut(Wire):
    """A name of the page; what tags a watch has is its owner's business."""

    id: str
    name: str
    status: str
    last_ping: Instant | None
    tags: list[str]
    history: list[DayOut]
    uptime_percent: float | None

    @classmethod
    def of(cls, one: Component) -> "CheckOut":
        """Return the shape of a component."""
        return cls(
            id=str(one.number),
            name=one.name,
            status=_STATUSES[one.bare],
            last_ping=one.heard_at,
            tags=[],
            history=[DayOut.of(day) for day in one.days],
            uptime_percent=one.uptime_percent,
        )


class UpdateOut(Wire):
    """What was said of an incident."""

    status: str
    message: str
    timestamp: Instant


class IncidentOut(Wire):
    """An incident that people posted."""

    id: str
    title: str
    status: str
    severity: str
    created_at: Instant
    resolved_at: Instant | None
    updates: list[UpdateOut]

    @classmethod
    def of(cls, post: Post) -> "IncidentOut":
        """Return the shape of a post."""
        updates = [
            UpdateOut(status=one.state, message=one.text, timestamp=one.at) for one in post.updates
        ]
        return cls(
            id=post.id, title=post.title, status=post.state, severity=post.impact,
            created_at=post.opened_at, resolved_at=post.resolved_at, updates=updates,
        )  # fmt: skip


class Incidents(Wire):
    """Those that go on, and the last of the others."""

    active: list[IncidentOut]
    recent: list[IncidentOut]


class StatusOut(Wire):
    """A status page."""

    title: str
    description: str
    checks: list[CheckOut]
    overall_status: Literal["operational", "degraded", "down"]
    updated_at: Instant
    branding: None
    incidents: Incidents

    @classmethod
    def of(cls, view: View) -> "StatusOut":
        """Return the shape of a page."""
        said: dict[str, Any] = {"overall_status": view.bare}
        return cls(
            title=view.page.title,
            description=view.page.description,
            checks=[CheckOut.of(one) for one in view.components],
            updated_at=view.at,
            branding=None,
            incidents=_incidents(view.posts),
            **said,
        )


def _incidents(posts: Sequence[Post]) -> Incidents:
    active = [IncidentOut.of(one) for one in posts if one.resolved_at is None]
    recent = [IncidentOut.of(one) for one in posts if one.resolved_at is not None]
    return Incidents(active=active, recent=recent[:RECENT])


async def status(request: Request) -> Response:
    """Show a status page."""
    view = await _view(request)
    if view is None:
        body = json.dumps({"error": "Status page not found"})
        return Response(body, 404, media_type="application/json")
    text = StatusOut.of(view).model_dump_json()
    return Response(text, 200, CACHED, "application/json")


async def badge(request: Request) -> Response:
    """Draw the state of a page; that of a page that is not there is down."""
    view = await _view(request)
    label = request.query_params.get("label") or "status"
    picture = drawn(label, view.bare if view else "down", request.query_params.get("style", ""))
    headers = CACHED if view else {"Cache-Control": "no-cache"}
    return Response(picture, 200, headers, "image/svg+xml")


async def _view(request: Request) -> View | None:
    state = request.app.state
    if not hasattr(state, "views"):
        state.views = Views(state.services)
    views: Views = state.views
    return await views.get(str(request.path_params["slug"]))


PAGES: Mapping[str, Endpoint] = {
    "/api/health": health,
    "/api/status/{slug}": status,
    "/api/status/{slug}/badge": badge,
}
