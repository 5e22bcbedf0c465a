"""Incidents: what broke, who knows, what was done?"""

from collections.abc import Callable, Sequence

from fastapi import Response

from dogwatch.core.problems import Problem
from dogwatch.usecases import incidents, inquiry, ladder
from dogwatch.usecases.callers import require
from dogwatch.usecases.door import Tx
from dogwatch.usecases.incidents import Incident
from dogwatch.usecases.inquiry import Changed, Concerned
from dogwatch.usecases.ladder import Step, View
from dogwatch.web.dashboard.fields import whole
from dogwatch.web.dashboard.pages import moved, rendered
from dogwatch.web.dashboard.pictures import rungs
from dogwatch.web.dashboard.visit import Visit

PAGE = 50
STATES = ("open", "acknowledged", "closed")
HOURS = (1, 4, 12, 24)
HOUR_S = 3600
_ID_LENGTH = 26


async def show_all(visit: Visit) -> Response:
    """Show incidents, newest first."""
    found, state, more = await listed(visit)
    return rendered(
        visit, "incidents.html", found=found, state=state, states=STATES, more=more,
        wrong=sum(view.incident.state != "closed" for view in found),
    )  # fmt: skip


async def listed(visit: Visit) -> tuple[Sequence[View], str, str]:
    """Return the incidents that the address chooses, their state, and what leads to the next."""
    require(visit.caller, "incidents.list")
    state, before = visit.query.get("state", ""), visit.query.get("before", "")
    state = state if state in STATES else ""
    before = before if len(before) == _ID_LENGTH and before.isalnum() and before.isascii() else ""
    found = await visit.see(lambda tx: ladder.page(tx, visit.workspace_id, PAGE + 1, before, state))
    more = found[PAGE - 1].incident.id if len(found) > PAGE else ""
    return found[:PAGE], state, more


async def show(visit: Visit) -> Response:
    """Show one with its ladder of facts."""
    require(visit.caller, "incidents.show")

    def found(tx: Tx) -> tuple[View, Sequence[Step], Sequence[Concerned], Sequence[Changed]]:
        incident = incidents.find(tx, visit.workspace_id, visit.name)
        people = visit.may("audit_log.list")
        return (
            *ladder.ladder(tx, incident),
            inquiry.concerned(tx, incident, visit.at),
            inquiry.changes(tx, incident, people=people),
        )

    view, steps, concerned, changes = await visit.see(found)
    return rendered(
        visit, "incident.html", view=view, incident=view.incident, steps=steps, rungs=rungs,
        hours=HOURS, concerned=concerned, changes=changes, trouble=view.trouble,
        ended=ladder.ended(view.incident.closed_by or ""),
        snoozed=view.incident.snoozing_until_at(visit.at),
        wrong=int(view.incident.closed_at is None),
    )  # fmt: skip


async def acknowledge(visit: Visit) -> Response:
    """Say that one looks after it."""
    by, at = visit.caller.name, visit.at

    def done(tx: Tx, name: str) -> Incident:
        return incidents.acknowledge(tx, visit.workspace_id, name, by, at)

    return await _done(visit, "incidents.acknowledge", done)


async def snooze(visit: Visit) -> Response:
    """Have nothing said of it for some hours."""
    require(visit.caller, "incidents.snooze")
    by, hours = visit.caller.name, whole(visit, "hours") or 0
    if hours not in HOURS:
        raise Problem("invalid", "hours", {"hours": f"give one of {', '.join(map(str, HOURS))}"})

    def done(tx: Tx, name: str) -> Incident:
        return incidents.snooze(tx, visit.workspace_id, name, by, hours * HOUR_S, visit.at)

    return await _done(visit, "incidents.snooze", done)


async def close(visit: Visit) -> Response:
    """End it by hand."""
    by = visit.caller.name

    def done(tx: Tx, name: str) -> Incident:
        return incidents.close(tx, visit.workspace_id, name, by, visit.at)

    return await _done(visit, "incidents.close", done)


async def _done(visit: Visit, operation: str, work: Callable[[Tx, str], Incident]) -> Response:
    name = visit.name
    incident = await visit.carry_out(operation, name, lambda tx: work(tx, name))
    return moved(visit, f"incidents/{incident.number}")
