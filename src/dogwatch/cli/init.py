"""`dogwatch init`: the first person of an instance, with or without a browser."""

import sys
from typing import Any

import click

from dogwatch.boot import first_run
from dogwatch.boot import store as boot
from dogwatch.cli.flags import configured, located, server_flags
from dogwatch.cli.output import as_json
from dogwatch.cli.session import Session, command
from dogwatch.config import Config
from dogwatch.core.problems import Problem
from dogwatch.passwords import Passwords


@command("init", "dogwatch init\n"
         "dogwatch init --email ana@example.org --password-stdin < password.txt\n"
         "dogwatch init --json")  # fmt: skip
@click.option("--email", help="Address of the first person, who signs in with it.")
@click.option("--name", default="", help="What the person is called.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@server_flags
def init_command(
    session: Session, email: str | None, name: str, password_stdin: bool, **flags: Any
) -> None:
    """Set up a new instance, beside its server or without one.

    With an address and a password, make the first person, admin of the instance. Without, print a
    new set-up link for the browser; the one before works no longer. Once somebody is here, both
    are refused.
    """
    config = located(configured(session, flags))
    if email is None:
        said = {"link": _link(config)}
    elif password_stdin:
        said = {"email": _set_up(config, email, name)}
    else:
        raise click.UsageError("give the password on standard input, with --password-stdin")
    done = f"{email} is the admin; sign in at {config.base_url}/login"
    as_json(said) if session.json else click.echo(said.get("link", done))


def _link(config: Config) -> str:
    with boot.opened(config) as store:
        link = first_run.offer(config, store)
    if link is None:
        raise Problem("refused", "this instance is set up; its admins add people")
    return link


def _set_up(config: Config, email: str, name: str) -> str:
    hashed = Passwords().hash_now(sys.stdin.readline().rstrip("\r\n"))
    with boot.opened(config) as store:
        return first_run.set_up(config, store, email, name, hashed).email
