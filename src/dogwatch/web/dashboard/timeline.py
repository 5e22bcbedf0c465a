"""Timeline: what ran when, what overlapped, what piles up?"""

from dataclasses import replace
from datetime import timedelta, tzinfo
from typing import Any
from urllib.parse import urlencode

from fastapi import Response

from dogwatch.usecases import timeline
from dogwatch.usecases.callers import require
from dogwatch.usecases.overview import STATES
from dogwatch.usecases.timeline import LANES, Lane, Timeline
from dogwatch.web.api.wire import iso
from dogwatch.web.dashboard.now import chosen_of
from dogwatch.web.dashboard.pages import rendered
from dogwatch.web.dashboard.pictures.alone import Picture
from dogwatch.web.dashboard.pictures.timeline import lane, shade, whole
from dogwatch.web.dashboard.visit import Visit

HOURS = (3, 24, 168)
HOUR = timedelta(hours=1)
MARKS = 5


async def show(visit: Visit) -> Response:
    """Show a lane for each item."""
    found = local(await _found(visit), visit.zone)
    hours, chosen = _hours(visit), chosen_of(visit)
    marks = [
        found.begin_at + (found.end_at - found.begin_at) * n / (MARKS - 1) for n in range(MARKS)
    ]
    return rendered(
        visit, "timeline.html", found=found, chosen=chosen, states=STATES, hours=hours,
        choices=HOURS, marks=marks, lane=lambda one: lane(found, one, visit.root),
        shade=shade(found), pages=max(1, -(-found.total // LANES)),
        address=lambda **changes: _address(visit, **changes),
    )  # fmt: skip


def local(found: Timeline, zone: tzinfo) -> Timeline:
    """Return the same, told by the clock of a zone."""
    lanes = [
        replace(
            lane,
            ran=[
                replace(ran, began_at=ran.began_at.astimezone(zone),
                        ended_at=ran.ended_at.astimezone(zone))
                for ran in lane.ran
            ],
            coming=[at.astimezone(zone) for at in lane.coming],
        )
        for lane in found.lanes
    ]  # fmt: skip
    times = {name: getattr(found, name).astimezone(zone) for name in ("begin_at", "at", "end_at")}
    most, first_at = found.busiest
    return replace(found, lanes=lanes, busiest=(most, first_at.astimezone(zone)), **times)


async def drawn(visit: Visit) -> Picture:
    """Return the picture alone, and its numbers."""
    found = await _found(visit)
    most, at = found.busiest
    told = {
        "begin_at": iso(found.begin_at),
        "at": iso(found.at),
        "end_at": iso(found.end_at),
        "most_together": {"count": most, "at": iso(at) if most else None},
        "lanes": [_values(one) for one in found.lanes],
    }
    return Picture(whole(local(found, visit.zone)), told)


def _values(one: Lane) -> dict[str, Any]:
    return {
        "slug": one.record.slug,
        "name": one.record.name,
        "kind": one.record.kind,
        "phase": one.phase,
        "ran": [
            {
                "outcome": ran.outcome, "count": ran.count, "began_at": iso(ran.began_at),
                "ended_at": iso(ran.ended_at), "run_id": ran.run_id,
            }
            for ran in one.ran
        ],
        "coming": [iso(at) for at in one.coming],
        "dense": one.dense,
    }  # fmt: skip


async def _found(visit: Visit) -> Timeline:
    require(visit.caller, "watches.list")
    past = _hours(visit) * HOUR
    return await visit.see(
        lambda tx: timeline.timeline_of(tx, visit.workspace_id, chosen_of(visit), past, visit.at)
    )


def _hours(visit: Visit) -> int:
    given = visit.query.get("hours", "")
    return int(given) if given in map(str, HOURS) else 24


def _address(visit: Visit, **changes: object) -> str:
    """Return the query of the same page with other choices."""
    chosen = chosen_of(visit)
    now = {
        "hours": _hours(visit), "state": chosen.state, "tag": chosen.tag, "q": chosen.words,
    } | changes  # fmt: skip
    plain = (("hours", 24), ("page", 1))
    return "?" + urlencode({n: v for n, v in now.items() if v and (n, v) not in plain})
