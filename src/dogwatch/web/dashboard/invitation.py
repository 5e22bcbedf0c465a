"""An invitation to a workspace: its link leads here."""

from fastapi import Response

from dogwatch.core.people import checked_name
from dogwatch.core.problems import Problem
from dogwatch.usecases import members, people
from dogwatch.usecases.door import Tx
from dogwatch.usecases.people import SignedIn, User
from dogwatch.web.dashboard.credentials import begun, let_in, note
from dogwatch.web.dashboard.pages import rendered
from dogwatch.web.dashboard.visit import Visit


async def show(visit: Visit) -> Response:
    """Show what one is invited to, and how one joins."""
    code = code_of(visit)
    vault = visit.services.vault

    def found(tx: Tx) -> tuple[members.Invitation, str, bool]:
        invitation = members.invitation_of(tx, code, vault, visit.at)
        known = people.by_email(tx, invitation.email) is not None
        return invitation, members.workspace_of(tx, invitation), known

    invitation, workspace, known = await visit.read(found)
    return rendered(
        visit, "invitation.html", invitation=invitation, workspace=workspace, known=known, code=code
    )


async def take(visit: Visit) -> Response:
    """Join, as who is signed in or as a new person."""
    if visit.present:
        visit.check_form_token()
        return let_in(visit, *await visit.write(lambda tx: _joined(tx, visit, visit.user)))
    return let_in(visit, *await _new_person(visit))


async def _new_person(visit: Visit) -> tuple[SignedIn, str]:
    vault = visit.services.vault
    invitation = await visit.read(
        lambda tx: members.invitation_of(tx, code_of(visit), vault, visit.at)
    )
    check_vouched(visit, invitation.email)
    name = checked_name(visit.form.get("name", ""), invitation.email)
    password_hash = await visit.services.passwords.hash(visit.form.get("password", ""))

    def made(tx: Tx) -> tuple[SignedIn, str]:
        user = people.make(tx, invitation.email, name, password_hash, visit.at)
        return _joined(tx, visit, user)

    return await visit.write(made)


def check_vouched(visit: Visit, email: str) -> None:
    """Raise refused for a new account of an address that is not whom the proxy has signed in.

    Where a proxy says who is there, it lets the owner of an address into the account of it: nobody
    who may invite shall have made that, and know its password.
    """
    if visit.services.trusted_user_header and visit.named != email:
        words = f"this is for {email}; sign in to the proxy with that address, and open it again"
        raise Problem("refused", words)


def _joined(tx: Tx, visit: Visit, user: User) -> tuple[SignedIn, str]:
    """Return his new session, and the place where he sees the workspace that he joined."""
    member = members.accept(tx, code_of(visit), user, visit.services.vault, visit.at)
    note(tx, visit, user, "invitations.accept")
    return begun(tx, visit, user), f"w/{member.workspace_id}/"


def code_of(visit: Visit) -> str:
    """Return the code that the address holds."""
    return str(visit.request.path_params["code"])
