"""Which time zone times are shown in."""

from fastapi import Response

from dogwatch.core.schedule.spans import plain_zone
from dogwatch.core.windows import check_zone
from dogwatch.web.dashboard.pages import moved
from dogwatch.web.dashboard.sign_in import place_of
from dogwatch.web.dashboard.visit import MOST_ZONES, YEAR_S, ZONES, Visit


async def choose(visit: Visit) -> Response:
    """Show times in another zone, and the page that he came from."""
    chosen = visit.form.get("zone", "").strip()
    check_zone(chosen, "zone")
    answer = moved(visit, place_of(visit.form.get("place", "")))
    others = [one for one in visit.zones if one != plain_zone(chosen)]
    kept = ":".join([chosen, *others][:MOST_ZONES])
    # A script of ours reads it, to set it where it is not there yet.
    answer.set_cookie(ZONES, kept, YEAR_S, path="/", samesite="lax")
    return answer
