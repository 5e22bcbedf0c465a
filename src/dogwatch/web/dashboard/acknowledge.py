"""Acknowledging or snoozing by the link in a message: a page with buttons, as a GET never acts."""

from fastapi import Response

from dogwatch.core.message import SNOOZE_HOURS
from dogwatch.usecases import ack_links
from dogwatch.usecases.ack_links import Offer
from dogwatch.web.dashboard.incidents import HOUR_S, HOURS
from dogwatch.web.dashboard.pages import rendered
from dogwatch.web.dashboard.visit import Visit

GONE = 410


async def show(visit: Visit) -> Response:
    """Show the incidents and the buttons; a link that was used says so."""
    found = await _offered(visit)
    status = GONE if found.used else 200
    return rendered(
        visit, "acknowledge.html", status, incidents=found.incidents, used=found.used,
        code=_code(visit), done=False, hours=_hours(visit), snooze_hours=SNOOZE_HOURS,
        about=found.about,
    )  # fmt: skip


async def take(visit: Visit) -> Response:
    """Acknowledge, in the name of who is signed in, or of who the form says."""
    vault, code = visit.services.vault, _code(visit)
    by = visit.user.email if visit.present else visit.form.get("name", "")
    snooze_s = _hours(visit) * HOUR_S
    done = await visit.write(lambda tx: ack_links.use(tx, code, by, vault, visit.at, snooze_s))
    return rendered(
        visit, "acknowledge.html", incidents=done, used=True, code=code, done=True,
        hours=_hours(visit),
    )  # fmt: skip


async def _offered(visit: Visit) -> Offer:
    vault, code = visit.services.vault, _code(visit)
    return await visit.read(lambda tx: ack_links.offer(tx, code, vault, visit.at))


def _hours(visit: Visit) -> int:
    """Return for how long it shall be snoozed, 0 if it shall be acknowledged."""
    given = visit.form.get("hours") or visit.query.get("hours", "")
    return next((one for one in HOURS if str(one) == given), 0)


def _code(visit: Visit) -> str:
    return str(visit.request.path_params["code"])
