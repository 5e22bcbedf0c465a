"""Commands about the members of a workspace, on the store itself."""

from typing import Any

import click

from dogwatch.cli.confirm import YES, confirm
from dogwatch.cli.flags import configured, located
from dogwatch.cli.host import WORKSPACE, Visit, carry_out, see, verb
from dogwatch.cli.output import as_json, table
from dogwatch.cli.session import Group, Session
from dogwatch.core.instants import iso
from dogwatch.core.policy import Role
from dogwatch.usecases import members, people
from dogwatch.usecases.members import Member

_ROLES = click.Choice([role.name.lower() for role in Role])


@click.group("member", cls=Group)
def member_command() -> None:
    """List, add, change, remove and invite members of a workspace."""


def _row(member: Member) -> dict[str, Any]:
    return {
        "id": member.user_id,
        "email": member.email,
        "name": member.name,
        "role": member.role.name.lower(),
        "created_at": iso(member.created_at),
    }


@verb(member_command, "ls", "dogwatch member ls\ndogwatch member ls --workspace 2 --json")
@WORKSPACE
def member_ls(session: Session, **flags: Any) -> None:
    """List the members of a workspace."""
    found = see(session, flags, lambda visit: members.listed(visit.tx, visit.workspace_id))
    rows = list(map(_row, found))
    as_json(rows) if session.json else table(rows, ("id", "email", "name", "role"))


@verb(member_command, "add", "dogwatch member add ana@example.org --role editor")
@click.argument("who")
@click.option("--role", type=_ROLES, default="viewer", show_default=True, help="What as.")
@WORKSPACE
def member_add(session: Session, who: str, role: str, **flags: Any) -> None:
    """Make a person who is here already, by id or address, a member."""

    def added(visit: Visit) -> Member:
        return members.take_in(visit.tx, visit.caller, people.find(visit.tx, who),
                               Role[role.upper()], visit.at)  # fmt: skip

    row = _row(carry_out(session, flags, "members.change", who, added))
    as_json(row) if session.json else table([row], tuple(row))


@verb(member_command, "role", "dogwatch member role ana@example.org admin")
@click.argument("who")
@click.argument("role", type=_ROLES)
@WORKSPACE
def member_role(session: Session, who: str, role: str, **flags: Any) -> None:
    """Give a member another role."""

    def changed(visit: Visit) -> Member:
        user = people.find(visit.tx, who)
        chosen = Role[role.upper()]
        return members.change_role(visit.tx, visit.caller, user.id, chosen, visit.at)

    row = _row(carry_out(session, flags, "members.change", who, changed))
    as_json(row) if session.json else table([row], tuple(row))


@verb(member_command, "rm", "dogwatch member rm ana@example.org\n"
      "dogwatch member rm ana@example.org --workspace Shop --yes")  # fmt: skip
@click.argument("who")
@YES
@WORKSPACE
def member_rm(session: Session, who: str, yes: bool, **flags: Any) -> None:
    """Take a person out of a workspace; the keys and invitations that he made end with it."""
    confirm(f"Take {who} out of the workspace, and end the keys made by them?", yes=yes)

    def removed(visit: Visit) -> Member:
        user = people.find(visit.tx, who)
        return members.remove(visit.tx, visit.caller, user.id, visit.at)

    email = carry_out(session, flags, "members.remove", who, removed).email
    as_json({"removed": email}) if session.json else click.echo(f"{email} is no member any more")


@verb(member_command, "invite", "dogwatch member invite ana@example.org --role editor")
@click.argument("email")
@click.option("--role", type=_ROLES, default="viewer", show_default=True, help="What as.")
@WORKSPACE
def member_invite(session: Session, email: str, role: str, **flags: Any) -> None:
    """Print a link that makes whoever opens it a member; it is shown once, good for a week."""
    given = {name: value for name, value in flags.items() if name != "workspace"}
    base = located(configured(session, given)).base_url

    def made(visit: Visit) -> str:
        chosen = Role[role.upper()]
        _, code = members.invite(visit.tx, visit.caller, email, chosen, visit.vault, visit.at)
        return f"{base.rstrip('/')}/invitations/{code}"

    link = carry_out(session, flags, "invitations.make", email, made)
    as_json({"link": link}) if session.json else click.echo(link)


@verb(member_command, "invitations", "dogwatch member invitations\n"
      "dogwatch member invitations --workspace Shop --json")  # fmt: skip
@WORKSPACE
def member_invitations(session: Session, **flags: Any) -> None:
    """List the invitations that are open."""
    found = see(session, flags, lambda visit: members.invited(visit.tx, visit.workspace_id))
    rows = [
        {
            "id": one.id,
            "email": one.email,
            "role": one.role.name.lower(),
            "expires_at": iso(one.expires_at),
        }
        for one in found
    ]
    as_json(rows) if session.json else table(rows, ("id", "email", "role", "expires_at"))


@verb(member_command, "uninvite", "dogwatch member uninvite 01kam3v7t0000000000000000a")
@click.argument("invitation")
@WORKSPACE
def member_uninvite(session: Session, invitation: str, **flags: Any) -> None:
    """Take an invitation back, by its id; its link leads nowhere then."""

    def revoked(visit: Visit) -> None:
        members.uninvite(visit.tx, visit.workspace_id, invitation)

    carry_out(session, flags, "invitations.revoke", invitation, revoked)
    as_json({"revoked": invitation}) if session.json else click.echo(f"{invitation} is taken back")
