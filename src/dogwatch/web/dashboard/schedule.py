"""What a schedule means, while it is written."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Response

from dogwatch.core.lengths import length_s
from dogwatch.core.problems import Problem
from dogwatch.core.schedule import parse
from dogwatch.core.schedule.words import cron_of
from dogwatch.core.spec import MAX_LIMIT_S
from dogwatch.usecases.callers import require
from dogwatch.web.dashboard.pages import rendered
from dogwatch.web.dashboard.pictures import expectation
from dogwatch.web.dashboard.pictures.expectation import Expected
from dogwatch.web.dashboard.visit import Visit

COMING = 5


async def show(visit: Visit) -> Response:
    """Answer with the schedule in words, its next dates, and when an alert would come."""
    require(visit.caller, "watches.list")
    return rendered(visit, "schedule.html", **preview(visit))


def said(visit: Visit) -> str:
    """Return the schedule of a form, as a line of cron where it is said in words."""
    return cron_of(visit.form.get("schedule", "").strip())


def preview(visit: Visit, grace_s: int | None = None) -> dict[str, Any]:
    """Return what a template shows of the schedule of a form."""
    text, zone = said(visit), visit.form.get("timezone") or visit.zone_name
    nothing: dict[str, Any] = {
        "schedule": None, "coming": [], "notes": [], "fault": "", "line": text, "of_zone": zone,
        "drawn": "",
    }  # fmt: skip
    if not text:
        return nothing
    try:
        schedule = parse(text, zone)
        coming = schedule.next(COMING, visit.at)
    except Problem as problem:
        return nothing | {"fault": next(iter(problem.fields.values()), problem.message)}
    expected = Expected([_local(at, zone) for at in coming], _grace_s(visit, grace_s))
    return nothing | {
        "schedule": schedule, "coming": expected.coming,
        "notes": schedule.dst_notes(visit.at, COMING),
        "drawn": expectation.drawn(expected) if coming else "",
    }  # fmt: skip


def _grace_s(visit: Visit, usual_s: int | None) -> int | None:
    given_s = length_s(visit.form.get("start_by_s", ""))
    return usual_s if given_s is None or given_s > MAX_LIMIT_S else given_s


def _local(at: datetime, zone: str) -> datetime:
    return at.astimezone(ZoneInfo(zone))
