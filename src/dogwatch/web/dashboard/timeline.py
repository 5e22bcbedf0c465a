"""Timeline: what ran when, what overlapped, what piles up?"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import partial
from typing import Any
from urllib.parse import urlencode

from fastapi import Response

from dogwatch.core.instants import iso
from dogwatch.usecases import timeline
from dogwatch.usecases.callers import require
from dogwatch.usecases.overview import STATES
from dogwatch.usecases.timeline import LANES, Lane, Timeline
from dogwatch.web.dashboard.now import chosen_of
from dogwatch.web.dashboard.pages import rendered
from dogwatch.web.dashboard.pictures.alone import Picture
from dogwatch.web.dashboard.pictures.timeline import axis, lane, shade, whole
from dogwatch.web.dashboard.visit import Visit

HOURS = (3, 24, 168)
HOUR = timedelta(hours=1)
# What was dragged over is shown as a stretch of its own.
LEAST, LONGEST = timedelta(minutes=1), timedelta(days=35)
Stretch = tuple[datetime, datetime]


async def show(visit: Visit) -> Response:
    """Show a lane for each item."""
    found = local(await _found(visit), visit.zone)
    chosen, own = chosen_of(visit), _own(visit)
    return rendered(
        visit, "timeline.html", found=found, chosen=chosen, states=STATES,
        hours=None if own else _hours(visit), choices=HOURS, moves=list(_moves(found)),
        lane=lambda one: lane(found, one, visit.root), axis=axis(found), shade=shade(found),
        pages=max(1, -(-found.total // LANES)),
        address=lambda **changes: _address(visit, **changes), iso=iso,
    )  # fmt: skip


def _moves(found: Timeline) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield where one may look from here, in words, and how that is said in an address."""
    begin_at, end_at = found.begin_at, found.end_at
    half = (end_at - begin_at) / 2
    stretches = {
        "Earlier": (begin_at - half, end_at - half), "Later": (begin_at + half, end_at + half),
        "Closer": (begin_at + half / 2, end_at - half / 2),
        "Wider": (begin_at - half, end_at + half),
    }  # fmt: skip
    for word, (first_at, last_at) in stretches.items():
        if LEAST <= last_at - first_at <= LONGEST:
            yield word, {"hours": "", "from": iso(first_at), "to": iso(last_at)}


def local(found: Timeline, zone: tzinfo) -> Timeline:
    """Return the same, told by the clock of a zone."""
    there = partial(_fixed, zone)
    lanes = [
        replace(
            lane,
            ran=[
                replace(ran, began_at=there(ran.began_at), ended_at=there(ran.ended_at))
                for ran in lane.ran
            ],
            coming=list(map(there, lane.coming)),
            late_at=lane.late_at and there(lane.late_at),
        )
        for lane in found.lanes
    ]
    most, first_at = found.busiest
    return replace(
        found, begin_at=there(found.begin_at), at=there(found.at), end_at=there(found.end_at),
        lanes=lanes, busiest=(most, there(first_at)), zone=zone,
    )  # fmt: skip


def _fixed(zone: tzinfo, at: datetime) -> datetime:
    """Return a time on the clock of a zone, by its offset of then: two of one zone are subtracted
    as their clocks show them, an hour wrong where those change in between."""
    shown = at.astimezone(zone)
    return shown.replace(tzinfo=timezone(shown.utcoffset() or timedelta()))


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
        "late_at": one.late_at and iso(one.late_at),
    }  # fmt: skip


async def _found(visit: Visit) -> Timeline:
    require(visit.caller, "watches.list")
    stretch = _own(visit) or timeline.around(visit.at, _hours(visit) * HOUR)
    return await visit.see(
        lambda tx: timeline.timeline_of(tx, visit.workspace_id, chosen_of(visit), stretch, visit.at)
    )


def _own(visit: Visit) -> Stretch | None:
    """Return the stretch that the address names, None where it names none that can be shown."""
    begin_at, end_at = (_time(visit.query.get(name, "")) for name in ("from", "to"))
    if begin_at and end_at and LEAST <= end_at - begin_at <= LONGEST:
        return begin_at, end_at
    return None


def _time(text: str) -> datetime | None:
    """Return a time in ISO 8601, in UTC if it has no zone; None of one that no calendar needs."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    if not 2000 <= at.year < 2100:
        return None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _hours(visit: Visit) -> int:
    given = visit.query.get("hours", "")
    return int(given) if given in map(str, HOURS) else 24


def _address(visit: Visit, **changes: object) -> str:
    """Return the query of the same page with other choices."""
    chosen = chosen_of(visit)
    own = _own(visit)
    now = {
        "hours": "" if own else _hours(visit), "from": iso(own[0]) if own else "",
        "to": iso(own[1]) if own else "", "state": chosen.state, "tag": chosen.tag,
        "q": chosen.words,
    } | changes  # fmt: skip
    plain = (("hours", 24), ("page", 1))
    return "?" + urlencode({n: v for n, v in now.items() if v and (n, v) not in plain})
