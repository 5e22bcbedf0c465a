"""Members of a workspace: invited by a link, given a role, taken out."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from dogwatch.core.people import checked_email
from dogwatch.core.plans import admit, plan_of
from dogwatch.core.policy import Role
from dogwatch.core.problems import Problem
from dogwatch.ids import new_id, new_token
from dogwatch.store import members, sessions, workspaces
from dogwatch.store.members import Invitation, Member
from dogwatch.store.tx import Tx
from dogwatch.store.users import User
from dogwatch.usecases import keys
from dogwatch.usecases.callers import Caller
from dogwatch.vault import Vault

__all__ = ["Invitation", "Member"]

LINK_BITS = 160
LIFE = timedelta(days=7)


def listed(tx: Tx, workspace_id: int) -> Sequence[Member]:
    """Return the members of a workspace."""
    return members.of_workspace(tx, workspace_id)


def change_role(tx: Tx, caller: Caller, user_id: str, role: Role, at: datetime) -> Member:
    """Give a member another role; nobody gives or takes more than he has.

    What he gave away and could not any more, keys and invitations, is void; with another role he
    signs in anew.
    """
    member = _found(tx, caller.workspace_id, user_id)
    if max(role, member.role) > caller.grant.role:
        raise Problem("refused", "nobody gives or takes a higher role than his own")
    if role is not Role.OWNER:
        _keep_an_owner(tx, member)
    if role is not member.role:
        members.set_role(tx, caller.workspace_id, user_id, role)
        sessions.remove_all(tx, user_id)
    _withdraw(tx, caller, user_id, role, at)
    return _found(tx, caller.workspace_id, user_id)


def remove(tx: Tx, caller: Caller, user_id: str, at: datetime) -> Member:
    """Take a person out of the workspace, and with him his keys and invitations."""
    member = _found(tx, caller.workspace_id, user_id)
    if member.role > caller.grant.role:
        raise Problem("refused", "nobody removes a higher role than his own")
    _keep_an_owner(tx, member)
    members.remove(tx, caller.workspace_id, user_id)
    _withdraw(tx, caller, user_id, None, at)
    return member


def _withdraw(tx: Tx, caller: Caller, user_id: str, role: Role | None, at: datetime) -> None:
    """Void what lets somebody in beyond his role; None: he is no member any more."""
    keys.withdraw(tx, caller, user_id, role, at)
    for one in members.invited(tx, caller.workspace_id):
        if one.made_by == user_id and (role is None or role < max(one.role, Role.ADMIN)):
            members.uninvite(tx, one.workspace_id, one.id)


def _found(tx: Tx, workspace_id: int, user_id: str) -> Member:
    # Locked, so that of two last owners not both can go at once.
    workspaces.get(tx, workspace_id, lock=True)
    member = members.get(tx, workspace_id, user_id)
    if member is None:
        raise Problem("not_found", "there is no such member")
    return member


def _keep_an_owner(tx: Tx, member: Member) -> None:
    last = members.count(tx, member.workspace_id, Role.OWNER) == 1
    if member.role is Role.OWNER and last:
        raise Problem("conflict", "a workspace needs an owner; name another one first")


# --- invitations ---


def invite(
    tx: Tx, caller: Caller, email: str, role: Role, vault: Vault, at: datetime
) -> tuple[Invitation, str]:
    """Keep a place for somebody; return it and the code of its link, shown once."""
    if role > caller.grant.role:
        raise Problem("refused", "nobody gives a higher role than his own")
    workspace = workspaces.get(tx, caller.workspace_id, lock=True)
    assert workspace
    held = members.count(tx, workspace.id) + len(members.invited(tx, workspace.id))
    admit(plan_of(workspace.plan), "members", held)
    code = new_token(LINK_BITS)
    made = Invitation(
        workspace_id=workspace.id,
        id=new_id(at),
        email=checked_email(email),
        role=role,
        hash=vault.keyed_hash(code, "invitation"),
        made_by=keys.maker(tx, caller),
        created_at=at,
        expires_at=at + LIFE,
    )
    members.invite(tx, made)
    return made, code


def invited(tx: Tx, workspace_id: int) -> Sequence[Invitation]:
    """Return the open invitations of a workspace."""
    return members.invited(tx, workspace_id)


def uninvite(tx: Tx, workspace_id: int, invitation_id: str) -> None:
    """Take an invitation back."""
    if not members.uninvite(tx, workspace_id, invitation_id):
        raise Problem("not_found", "there is no such invitation")


def invitation_of(tx: Tx, code: str, vault: Vault, at: datetime) -> Invitation:
    """Return the invitation of a link; not_found for one that is unknown, used or over."""
    found = members.invitation(tx, vault.keyed_hash(code, "invitation"))
    if found is None or found.expires_at <= at:
        raise Problem("not_found", "this invitation is not valid, or not any more")
    return found


def tidy(tx: Tx, at: datetime, limit: int) -> int:
    """Delete invitations that are over, which keep no place any more; return how many."""
    return members.prune(tx, at, limit)


def workspace_of(tx: Tx, invitation: Invitation) -> str:
    """Return the name of what somebody is invited to."""
    workspace = workspaces.get(tx, invitation.workspace_id)
    assert workspace
    return workspace.name


def accept(tx: Tx, code: str, user: User, vault: Vault, at: datetime) -> Member:
    """Make a person a member by the link that he holds, once."""
    found = invitation_of(tx, code, vault, at)
    if not members.uninvite(tx, found.workspace_id, found.id):
        raise Problem("not_found", "this invitation is not valid, or not any more")
    present = members.get(tx, found.workspace_id, user.id)
    if present is None:
        members.add(tx, found.workspace_id, user.id, found.role, at)
    elif present.role < found.role:
        members.set_role(tx, found.workspace_id, user.id, found.role)
    member = members.get(tx, found.workspace_id, user.id)
    assert member
    return member


def take_in(tx: Tx, caller: Caller, user: User, role: Role, at: datetime) -> Member:
    """Make a person a member who is none yet, without an invitation: for the host."""
    workspaces.get(tx, caller.workspace_id, lock=True)
    if members.get(tx, caller.workspace_id, user.id):
        raise Problem("conflict", f"{user.email} is a member already; see dogwatch member role")
    members.add(tx, caller.workspace_id, user.id, role, at)
    return _found(tx, caller.workspace_id, user.id)


def appoint(tx: Tx, workspace_id: int, user: User, at: datetime, role: Role = Role.OWNER) -> None:
    """Make a person a member without an invitation: for admins of the instance and the host."""
    if members.get(tx, workspace_id, user.id):
        members.set_role(tx, workspace_id, user.id, role)
    else:
        members.add(tx, workspace_id, user.id, role, at)
