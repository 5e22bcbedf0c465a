"""Commands about people, on the store itself."""

import sys
from typing import Any

import click

from dogwatch.cli.host import Visit, carry_out, see, verb
from dogwatch.cli.output import as_json, table
from dogwatch.cli.session import Group, Session
from dogwatch.core.instants import iso
from dogwatch.core.plain import counted
from dogwatch.passwords import Passwords
from dogwatch.usecases import people
from dogwatch.usecases.people import User

_FROM_INPUT = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input."
)


@click.group("user", cls=Group)
def user_command() -> None:
    """Who may sign in: people, their sessions and second factors; works without a server, too."""


@verb(user_command, "add", "dogwatch user add ana@example.org --name Ana\n"
      "dogwatch user add ana@example.org --password-stdin < password.txt")  # fmt: skip
@click.argument("email")
@click.option("--name", default="", help="The person's name.")
@click.option("--admin", is_flag=True, help="Make an admin of this instance.")
@_FROM_INPUT
def user_add(
    session: Session, email: str, name: str, admin: bool, password_stdin: bool, **flags: Any
) -> None:
    """Add a person, who then is invited to workspaces or made a member."""
    hashed = _hashed(password_stdin)

    def made(visit: Visit) -> User:
        return people.make(visit.tx, email, name, hashed, visit.at, admin=admin)

    _print(session, carry_out(session, flags, "users.change", email, made))


def _hashed(from_input: bool) -> str:
    if from_input:
        password = sys.stdin.readline().rstrip("\n")
    elif sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        raise click.UsageError("Nobody is here to be asked; give --password-stdin.")
    passwords = Passwords()
    try:
        return passwords.hash_now(password)
    finally:
        passwords.close()


def _row(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "admin": user.admin_at is not None,
        "second_factor": user.second_factor,
        "created_at": iso(user.created_at),
        "disabled_at": iso(user.disabled_at),
    }


def _print(session: Session, user: User) -> None:
    row = _row(user)
    as_json(row) if session.json else table([row], tuple(row))


@verb(user_command, "ls", "dogwatch user ls\ndogwatch user ls --json")
def user_ls(session: Session, **flags: Any) -> None:
    """List everybody."""
    rows = [_row(user) for user in see(session, flags, lambda visit: people.listed(visit.tx))]
    if session.json:
        as_json(rows)
    else:
        table(rows, ("id", "email", "name", "admin", "second_factor", "disabled_at"))


@verb(user_command, "disable", "dogwatch user disable ana@example.org")
@click.argument("who")
def user_disable(session: Session, who: str, **flags: Any) -> None:
    """Shut a person out, by id or address; every session ends at once."""

    def disabled(visit: Visit) -> User:
        people.disable(visit.tx, people.find(visit.tx, who), visit.at)
        return people.find(visit.tx, who)

    _print(session, carry_out(session, flags, "users.change", who, disabled))


@verb(user_command, "enable", "dogwatch user enable ana@example.org")
@click.argument("who")
def user_enable(session: Session, who: str, **flags: Any) -> None:
    """Let a person in again."""

    def enabled(visit: Visit) -> User:
        people.enable(visit.tx, people.find(visit.tx, who))
        return people.find(visit.tx, who)

    _print(session, carry_out(session, flags, "users.change", who, enabled))


@verb(user_command, "admin", "dogwatch user admin ana@example.org\n"
      "dogwatch user admin ana@example.org --no")  # fmt: skip
@click.argument("who")
@click.option("--no", "drop", is_flag=True, help="No longer.")
def user_admin(session: Session, who: str, drop: bool, **flags: Any) -> None:
    """Make a person an admin of this instance; every session ends."""

    def changed(visit: Visit) -> User:
        people.set_admin(visit.tx, people.find(visit.tx, who), visit.at, admin=not drop)
        return people.find(visit.tx, who)

    _print(session, carry_out(session, flags, "users.change", who, changed))


@verb(user_command, "password", "dogwatch user password ana@example.org")
@click.argument("who")
@_FROM_INPUT
def user_password(session: Session, who: str, password_stdin: bool, **flags: Any) -> None:
    """Set a new password; every session ends."""
    hashed = _hashed(password_stdin)

    def changed(visit: Visit) -> User:
        user = people.find(visit.tx, who)
        people.set_password(visit.tx, user.id, hashed)
        return user

    _print(session, carry_out(session, flags, "users.change", who, changed))


@verb(user_command, "second-factor", "dogwatch user second-factor ana@example.org --no")
@click.argument("who")
@click.option("--no", "drop", is_flag=True, required=True, help="Ask for none any more.")
def user_second_factor(session: Session, who: str, drop: bool, **flags: Any) -> None:
    """Take away a second factor that was lost, with its recovery codes; every session ends."""
    present = see(session, dict(flags), lambda visit: people.find(visit.tx, who))
    if not present.second_factor:
        click.echo(f"dogwatch: {present.email} has no second factor; nothing changed", err=True)
        _print(session, present)
        return

    def dropped(visit: Visit) -> User:
        user = people.find(visit.tx, who)
        people.lose_second_factor(visit.tx, user)
        return people.find(visit.tx, user.id)

    _print(session, carry_out(session, flags, "users.change", who, dropped))


@verb(user_command, "sessions", "dogwatch user sessions ana@example.org")
@click.argument("who")
def user_sessions(session: Session, who: str, **flags: Any) -> None:
    """List where a person is signed in."""

    def found(visit: Visit) -> list[dict[str, Any]]:
        user = people.find(visit.tx, who)
        return [
            {
                "id": one.id,
                "seen_at": iso(one.seen_at),
                "created_at": iso(one.created_at),
                "expires_at": iso(one.expires_at),
                "remote_ip": one.remote_ip,
                "user_agent": one.user_agent,
            }
            for one in people.sessions_of(visit.tx, user.id)
        ]

    rows = see(session, flags, found)
    as_json(rows) if session.json else table(rows, ("id", "seen_at", "remote_ip", "user_agent"))


@verb(user_command, "sign-out", "dogwatch user sign-out ana@example.org\n"
      "dogwatch user sign-out ana@example.org --session 01kam3v7t0000000000000000a")  # fmt: skip
@click.argument("who")
@click.option("--session", "one", metavar="ID", help="This session; every one if not given.")
def user_sign_out(session: Session, who: str, one: str | None, **flags: Any) -> None:
    """End a person's sessions."""

    def ended(visit: Visit) -> int:
        user = people.find(visit.tx, who)
        if one is None:
            return people.end_sessions(visit.tx, user.id)
        people.end_session(visit.tx, user.id, one)
        return 1

    count = carry_out(session, flags, "users.change", who, ended)
    as_json({"ended": count}) if session.json else click.echo(f"{counted(count, 'session')} ended")
