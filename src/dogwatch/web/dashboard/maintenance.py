"""Maintenance windows on the page of alerts: times in which no alert opens."""

from collections.abc import Mapping
from datetime import UTC, datetime

from fastapi import Response

from dogwatch.core.lengths import words_of
from dogwatch.core.problems import invalid
from dogwatch.core.schedule.spans import zone_names
from dogwatch.core.windows import WindowSpec
from dogwatch.usecases import maintenance, watches
from dogwatch.usecases.callers import require
from dogwatch.usecases.door import Tx
from dogwatch.usecases.maintenance import Maintenance
from dogwatch.web.dashboard.fields import seconds, ticked, zone
from dogwatch.web.dashboard.pages import moved, rendered
from dogwatch.web.dashboard.rules import scope_of
from dogwatch.web.dashboard.visit import Visit

KINDS = ("once", "weekly", "cron")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NAME_LENGTH = 200
_FIELD = "%Y-%m-%dT%H:%M"


async def show_new(visit: Visit) -> Response:
    """Show the form of one kind of window."""
    require(visit.caller, "maintenance.make")
    return _shown(visit, {"duration_s": "1 h", "timezone": visit.zone_name} | dict(visit.form))


async def show_edit(visit: Visit) -> Response:
    """Show the form of a window that is there."""
    require(visit.caller, "maintenance.change")
    one, names = await visit.see(lambda tx: _found(tx, visit))
    return _shown(visit, dict(visit.form) or _values(visit, one, names), one)


def _shown(visit: Visit, values: Mapping[str, str], one: Maintenance | None = None) -> Response:
    asked = visit.query.get("kind") or values.get("kind", "")
    return rendered(
        visit, "maintenance_new.html", kind=asked if asked in KINDS else "once",
        days=DAYS, zones=sorted(zone_names()), values=values, window=one,
    )  # fmt: skip


def _found(tx: Tx, visit: Visit) -> tuple[Maintenance, Mapping[str, str]]:
    """Return a window with the slugs of the items it names."""
    one = maintenance.find(tx, visit.workspace_id, visit.name)
    ids = one.scope.values if one.scope.kind == "watches" else ()
    return one, watches.slugs_of(tx, visit.workspace_id, ids)


def _values(visit: Visit, one: Maintenance, names: Mapping[str, str]) -> dict[str, str]:
    """Return a window as the form shows it; its times are those of who looks."""
    spec = one.spec
    once = {"start_at": spec.start_at, "end_at": spec.end_at}
    return {
        "name": one.name,
        "kind": spec.kind,
        "scope": one.scope.kind,
        "values": ", ".join(sorted(names.get(own, own) for own in one.scope.values)),
        **{n: f"{at.astimezone(visit.zone):{_FIELD}}" for n, at in once.items() if at},
        **{f"day_{day}": "1" for day in spec.days},
        "start": spec.start or "",
        "cron": spec.cron or "",
        "duration_s": words_of(spec.duration_s or 3600),
        "timezone": spec.timezone,
    }


async def make(visit: Visit) -> Response:
    """Make a window."""
    require(visit.caller, "maintenance.make")
    name, spec, scope = _name(visit), _spec(visit), scope_of(visit)

    def made(tx: Tx) -> Maintenance:
        return maintenance.add(tx, visit.workspace_id, name, scope, spec, visit.at)

    await visit.carry_out("maintenance.make", name, made)
    return moved(visit, "alerts")


async def change(visit: Visit) -> Response:
    """Change a window; what it held is decided anew."""
    require(visit.caller, "maintenance.change")
    name, spec, scope = _name(visit), _spec(visit), scope_of(visit)

    def changed(tx: Tx) -> Maintenance:
        one, _ = _found(tx, visit)
        return maintenance.change(tx, one, name, scope, spec, visit.at)

    await visit.carry_out("maintenance.change", name, changed)
    return moved(visit, "alerts")


async def remove(visit: Visit) -> Response:
    """Delete a window; what is still down under it alerts now."""
    one = visit.name
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
    duration_s = seconds(visit, "duration_s")
    match visit.form.get("kind"):
        case "once":
            return WindowSpec("once", _at(visit, "start_at"), _at(visit, "end_at"))
        case "weekly":
            days, start = tuple(ticked(visit, "day_", DAYS)), visit.form.get("start") or None
            return WindowSpec(
                "weekly", days=days, start=start, duration_s=duration_s, timezone=zone(visit)
            )
        case "cron":
            line = visit.form.get("cron") or None
            return WindowSpec("cron", cron=line, duration_s=duration_s, timezone=zone(visit))
        case _:
            raise invalid("kind", f"use one of {', '.join(KINDS)}")


def _at(visit: Visit, name: str) -> datetime:
    """Return a time as a browser's field of date and time sends it (WHATWG HTML, 2.3.5.5)."""
    try:
        there = datetime.fromisoformat(visit.form.get(name, "")).replace(tzinfo=visit.zone)
        return there.astimezone(UTC)
    except (ValueError, OverflowError):
        raise invalid(name, "give a date and a time") from None
