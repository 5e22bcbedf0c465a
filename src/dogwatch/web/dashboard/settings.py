"""Settings: the workspace, its plan, who is in it, and who is invited."""

from fastapi import Response

from dogwatch.core.plans import plan_of
from dogwatch.core.policy import Role
from dogwatch.core.problems import invalid
from dogwatch.usecases import members, workspaces
from dogwatch.usecases.callers import require
from dogwatch.usecases.door import Tx
from dogwatch.usecases.members import Invitation, Member
from dogwatch.usecases.workspaces import Workspace
from dogwatch.web.dashboard.pages import moved, rendered
from dogwatch.web.dashboard.visit import Visit

FIGURES = {
    "watches": "watches",
    "http_monitors": "HTTP monitors",
    "members": "members",
    "api_keys": "API keys",
    "history_days": "days of history",
    "requests_per_minute": "requests a minute",
    "requests_per_hour": "requests an hour",
    "requests_per_day": "requests a day",
    "concurrent_runs": "runs at once",
}


async def show(visit: Visit) -> Response:
    """Show the workspace and its people."""
    require(visit.caller, "workspace.show")
    workspace, own, invited = await visit.see(lambda tx: found(tx, visit))
    roles = [role for role in Role if role <= visit.caller.grant.role]
    return rendered(
        visit, "settings.html", workspace=workspace, members=own, invited=invited, roles=roles,
        figures={FIGURES[name]: most for name, most in figures(workspace).items()},
    )  # fmt: skip


def figures(workspace: Workspace) -> dict[str, int]:
    """Return the limits of the workspace's plan that are told, by name."""
    every = plan_of(workspace.plan).figures()
    return {name: most for name in FIGURES if (most := every[name]) is not None}


def found(tx: Tx, visit: Visit) -> tuple[Workspace, list[Member], list[Invitation]]:
    """Return the workspace, its members and who is invited, as far as he may see them."""
    workspace_id = visit.workspace_id
    return (
        workspaces.get(tx, workspace_id),
        list(members.listed(tx, workspace_id)) if visit.may("members.list") else [],
        list(members.invited(tx, workspace_id)) if visit.may("invitations.list") else [],
    )


async def rename(visit: Visit) -> Response:
    """Give the workspace another name."""
    name = visit.form.get("name", "")
    await visit.carry_out(
        "workspace.change", "name", lambda tx: workspaces.rename(tx, visit.workspace_id, name)
    )
    return moved(visit, "settings")


async def invite(visit: Visit) -> Response:
    """Keep a place for somebody; the link is shown once."""
    require(visit.caller, "invitations.make")
    email, role, vault = visit.form.get("email", ""), _role(visit), visit.services.vault

    def invited(tx: Tx) -> tuple[Invitation, str]:
        return members.invite(tx, visit.caller, email, role, vault, visit.at)

    kept, code = await visit.carry_out("invitations.make", role.name.lower(), invited)
    link = f"{visit.services.base_url.rstrip('/')}/invitations/{code}"
    return rendered(visit, "invited.html", invitation=kept, link=link)


async def uninvite(visit: Visit) -> Response:
    """Take an invitation back."""
    name = visit.name
    await visit.carry_out(
        "invitations.revoke", name, lambda tx: members.uninvite(tx, visit.workspace_id, name)
    )
    return moved(visit, "settings")


async def change_role(visit: Visit) -> Response:
    """Give a member another role."""
    require(visit.caller, "members.change")
    name, role = visit.name, _role(visit)

    def changed(tx: Tx) -> Member:
        return members.change_role(tx, visit.caller, name, role, visit.at)

    await visit.carry_out("members.change", name, changed)
    return moved(visit, "settings")


async def ask_removal(visit: Visit) -> Response:
    """Ask whether a person shall really be taken out."""
    require(visit.caller, "members.remove")
    own = await visit.see(lambda tx: members.listed(tx, visit.workspace_id))
    person = next((one for one in own if one.user_id == visit.name), None)
    if person is None:
        return moved(visit, "settings")
    return rendered(visit, "member_remove.html", member=person)


async def remove(visit: Visit) -> Response:
    """Take a person out of the workspace."""
    name = visit.name
    await visit.carry_out(
        "members.remove", name, lambda tx: members.remove(tx, visit.caller, name, visit.at)
    )
    return moved(visit, "settings")


def _role(visit: Visit) -> Role:
    name = visit.form.get("role", "viewer").upper()
    if name not in Role.__members__:
        raise invalid("role", "choose one of those shown")
    return Role[name]
