"""Now: is anything wrong, and what comes next?"""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from fastapi import Response

from dogwatch.core.plain import whole_number
from dogwatch.usecases import demo, overview, rules, system
from dogwatch.usecases.callers import require
from dogwatch.usecases.overview import PAGE, STATES, Chosen
from dogwatch.web.dashboard.pages import moved, rendered
from dogwatch.web.dashboard.visit import Visit

MOST_PAGES = 10_000
LONGEST = 100
# A time in which nobody listened is told for so long, or until its end is in this cookie.
AWAY_TOLD = timedelta(days=1)
AWAY_READ = "dogwatch-away"
_EPOCH_DIGITS = 10


async def show(visit: Visit) -> Response:
    """Show the watches, the worst first, as the address chooses them."""
    require(visit.caller, "watches.list")
    chosen = chosen_of(visit)
    found, examples, away, told = await visit.see(
        lambda tx: (
            overview.now(tx, visit.workspace_id, chosen, visit.at),
            demo.count(tx, visit.workspace_id),
            system.away_since(tx, visit.workspace_id, _told_from(visit)),
            bool(rules.rule_page(tx, visit.workspace_id, 1, "")),
        )
    )
    pages = max(1, -(-found.total // PAGE))
    wrong = found.counts.get("down", 0)
    return rendered(
        visit, "now.html", found=found, chosen=chosen, states=STATES, wrong=wrong,
        pages=pages, examples=examples, away=away, told=told,
        address=lambda **changes: address_of(chosen, **changes),
    )  # fmt: skip


async def read_away(visit: Visit) -> Response:
    """Tell no more of a time in which nobody listened."""
    answer = moved(visit, "")
    if end_s := whole_number(visit.form.get("end_s", ""), _EPOCH_DIGITS):
        life_s = int(AWAY_TOLD.total_seconds())
        answer.set_cookie(AWAY_READ, str(end_s), life_s, path="/", httponly=True, samesite="lax")
    return answer


def _told_from(visit: Visit) -> datetime:
    """Return the time from which on an end of being away is told."""
    read_s = whole_number(visit.request.cookies.get(AWAY_READ, ""), _EPOCH_DIGITS) or 0
    # It is kept in whole seconds, and the end lies within its own.
    return max(visit.at - AWAY_TOLD, datetime.fromtimestamp(read_s + 1, UTC))


def chosen_of(visit: Visit) -> Chosen:
    """Return what the address asks for; what it cannot mean is left out."""
    state, number = visit.query.get("state", ""), whole_number(visit.query.get("page", ""), 5)
    return Chosen(
        state if state in STATES else "",
        _plain(visit.query.get("tag", "")),
        _plain(visit.query.get("q", "")).strip(),
        min(max(number or 1, 1), MOST_PAGES),
    )


def _plain(text: str) -> str:
    """Return text that every database can look for."""
    return text[:LONGEST].replace("\0", "").encode(errors="replace").decode()


def address_of(chosen: Chosen, **changes: object) -> str:
    """Return the query of the same page with other choices; a new choice begins at page 1."""
    now = {"state": chosen.state, "tag": chosen.tag, "q": chosen.words, "page": 1} | changes
    kept = {name: value for name, value in now.items() if value and (name, value) != ("page", 1)}
    return "?" + urlencode(kept)
