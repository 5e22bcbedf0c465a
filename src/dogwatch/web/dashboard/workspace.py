"""Which workspace the pages show."""

from fastapi import Response

from dogwatch.core.problems import Problem
from dogwatch.web.dashboard.pages import moved
from dogwatch.web.dashboard.sign_in import place_of
from dogwatch.web.dashboard.visit import WORKSPACE, YEAR_S, Visit


async def enter(visit: Visit) -> Response:
    """Show a page of one of his workspaces, and that workspace from then on."""
    wanted = visit.request.path_params["workspace"]
    if wanted not in {str(one.workspace_id) for one in visit.signed_in.memberships}:
        raise Problem("refused", "you are not in this workspace; ask its admins to invite you")
    answer = moved(visit, place_of(visit.place.removeprefix(f"w/{wanted}").removeprefix("/")))
    answer.set_cookie(WORKSPACE, wanted, YEAR_S, path="/", samesite="lax", httponly=True)
    return answer
