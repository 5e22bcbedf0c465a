"""/incidents: what broke, who knows, what was done."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self

from fastapi import Response
from pydantic import BaseModel, Field

from dogwatch.core.incident import MAX_SNOOZE_S
from dogwatch.usecases import incidents, ladder
from dogwatch.usecases.door import Tx
from dogwatch.usecases.incidents import Incident
from dogwatch.usecases.ladder import Step, View
from dogwatch.web.api.asked import Nothing
from dogwatch.web.api.auth import needs, resource
from dogwatch.web.api.body import Body
from dogwatch.web.api.call import Call, Called, Name, shown
from dogwatch.web.api.filters import IncidentState
from dogwatch.web.api.pages import Paged
from dogwatch.web.api.wire import Instant, PageOf

router = resource("incidents")


class Snooze(Body):
    """For how long nothing shall be said of it."""

    stand_in: ClassVar[dict[str, Any]] = {"for_s": 60}
    for_s: int = Field(ge=60, le=MAX_SNOOZE_S)


class IncidentOut(BaseModel):
    """One trouble: `count` watches belong to it, `going_on` of them are still down.

    `trouble`: what it is called, by the names of the first that went down.
    """

    id: str
    number: int
    trouble: str
    state: str
    project: str | None
    count: int
    going_on: int
    opened_at: Instant
    acked_at: Instant | None
    acked_by: str | None
    snoozed_until_at: Instant | None
    closed_at: Instant | None
    closed_by: str | None

    @classmethod
    def of(cls, view: View) -> Self:
        """Return the shape of an incident."""
        return cls(**_values(view))


_OF_INCIDENT = (
    "id", "number", "state", "opened_at", "acked_at", "acked_by", "snoozed_until_at", "closed_at",
    "closed_by",
)  # fmt: skip


def _values(view: View) -> dict[str, Any]:
    values = {name: getattr(view.incident, name) for name in _OF_INCIDENT}
    project = view.incident.project or None
    counts = {"count": view.count, "going_on": view.going_on}
    return values | {"trouble": view.trouble, "project": project, **counts}


class StepOut(BaseModel):
    """One fact: when, of what kind, in words; of which watch, by which delivery."""

    at: Instant
    kind: str
    text: str
    watch: str | None
    delivery_id: str | None


class IncidentDetail(IncidentOut):
    """An incident with its watches, by slug, and its ladder of facts."""

    watches: list[str]
    ladder: list[StepOut]

    @classmethod
    def made(cls, view: View, steps: Sequence[Step]) -> Self:
        """Return the shape of an incident with its ladder."""
        told = [
            StepOut(**{name: getattr(one, name) for name in StepOut.model_fields}) for one in steps
        ]
        return cls(**_values(view), watches=list(view.watches), ladder=told)


@router.get("", response_model=PageOf[IncidentOut], **needs("incidents.list"))
async def list_incidents(call: Called, page: Paged, state: IncidentState = None) -> Response:
    """List incidents, newest first."""
    found = await call.read(
        lambda tx: ladder.page(tx, call.workspace_id, page.size, page.after, state or "")
    )
    return page.answer(found, IncidentOut.of, lambda view: view.incident.id)


@router.get("/{name}", response_model=IncidentDetail, **needs("incidents.show"))
async def show_incident(call: Called, name: Name) -> Response:
    """Show an incident, by id or number, with its ladder of facts from late to recovered."""

    def found(tx: Tx) -> tuple[View, list[Step]]:
        return ladder.ladder(tx, incidents.find(tx, call.workspace_id, name))

    return shown(IncidentDetail.made(*await call.read(found)))


@router.post("/{name}/acknowledge", response_model=IncidentOut, **needs("incidents.acknowledge"))
async def acknowledge_incident(call: Called, name: Name, _: Nothing | None = None) -> Response:
    """Say that somebody looks after it: no more reminders, and nobody else is called."""
    by = call.caller.name
    return await _done(
        call, lambda tx: incidents.acknowledge(tx, call.workspace_id, name, by, call.at)
    )


@router.post("/{name}/snooze", response_model=IncidentOut, **needs("incidents.snooze"))
async def snooze_incident(call: Called, name: Name, body: Snooze) -> Response:
    """Say nothing of it for a while; then all who were told are reminded, if it is still on."""
    by, for_s = call.caller.name, body.for_s
    return await _done(
        call, lambda tx: incidents.snooze(tx, call.workspace_id, name, by, for_s, call.at)
    )


@router.post("/{name}/close", response_model=IncidentOut, **needs("incidents.close"))
async def close_incident(call: Called, name: Name, _: Nothing | None = None) -> Response:
    """End it by hand, though something of it may still be down."""
    by = call.caller.name
    return await _done(call, lambda tx: incidents.close(tx, call.workspace_id, name, by, call.at))


async def _done(call: Call, work: Callable[[Tx], Incident]) -> Response:
    def done(tx: Tx) -> IncidentOut:
        (view,) = ladder.views(tx, call.workspace_id, [work(tx)])
        return IncidentOut.of(view)

    return await call.post(200, done)
