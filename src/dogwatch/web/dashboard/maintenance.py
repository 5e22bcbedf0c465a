"""Maintenance windows on the page of alerts: times in which no alert opens."""

from datetime import UTC, datetime

from fastapi import Response

from dogwatch.core.problems import invalid
from dogwatch.core.schedule.spans import zone_names
from dogwatch.core.windows import WindowSpec, check_zone
from dogwatch.usecases import maintenance
from dogwatch.usecases.callers import require
from dogwatch.usecases.door import Tx
from dogwatch.usecases.maintenance import Maintenance
from dogwatch.web.dashboard.fields import ticked, times, whole
from dogwatch.web.dashboard.pages import moved, rendered
from dogwatch.web.dashboard.rules import scope_of
from dogwatch.web.dashboard.visit import Visit

KINDS = ("once", "weekly", "cron")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTE_S = 60
NAME_LENGTH = 200


async def show_new(visit: Visit) -> Response:
    """Show the form of one kind of window."""
    require(visit.caller, "maintenance.make")
    kind = visit.form.get("kind") or visit.query.get("kind", "")
    return rendered(
        visit, "maintenance_new.html", kind=kind if kind in KINDS else "once", kinds=KINDS,
        days=DAYS, zones=sorted(zone_names()), values=visit.form,
    )  # fmt: skip


async def make(visit: Visit) -> Response:
    """Make a window."""
    require(visit.caller, "maintenance.make")
    name, spec, scope = _name(visit), _spec(visit), scope_of(visit)

    def made(tx: Tx) -> Maintenance:
        return maintenance.add(tx, visit.workspace_id, name, scope, spec, visit.at)

    await visit.carry_out("maintenance.make", name, made)
    return moved(visit, "alerts")


async def remove(visit: Visit) -> Response:
    """Delete a window; what is still down under it alerts now."""
    one = str(visit.request.path_params["name"])
    await visit.carry_out(
        "maintenance.delete", one,
        lambda tx: maintenance.remove(tx, visit.workspace_id, one, visit.at),
    )  # fmt: skip
    return moved(visit, "alerts")


def _name(visit: Visit) -> str:
    name = visit.form.get("name", "").strip()
    if not 1 <= len(name) <= NAME_LENGTH:
        raise invalid("name", f"give 1 to {NAME_LENGTH} characters")
    return name


def _spec(visit: Visit) -> WindowSpec:
    duration_s = times(whole(visit, "duration_s"), MINUTE_S)
    match visit.form.get("kind"):
        case "once":
            return WindowSpec("once", _utc(visit, "start_at"), _utc(visit, "end_at"))
        case "weekly":
            days, start = tuple(ticked(visit, "day_", DAYS)), visit.form.get("start") or None
            return WindowSpec(
                "weekly", days=days, start=start, duration_s=duration_s, timezone=_zone(visit)
            )
        case "cron":
            line = visit.form.get("cron") or None
            return WindowSpec("cron", cron=line, duration_s=duration_s, timezone=_zone(visit))
        case _:
            raise invalid("kind", f"use one of {', '.join(KINDS)}")


def _zone(visit: Visit) -> str:
    timezone = visit.form.get("timezone") or "UTC"
    check_zone(timezone)
    return timezone


def _utc(visit: Visit, name: str) -> datetime:
    """Return a time as a browser's field of date and time sends it (WHATWG HTML, 2.3.5.5)."""
    try:
        return datetime.fromisoformat(visit.form.get(name, "")).replace(tzinfo=UTC)
    except ValueError:
        raise invalid(name, "give a date and a time") from None
