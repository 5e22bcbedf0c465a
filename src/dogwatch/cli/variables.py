"""Variables from the command line: set, get, ls, rm."""

import sys
from typing import Any

import click

from dogwatch.cli.client import Api, connect
from dogwatch.cli.confirm import YES, confirm
from dogwatch.cli.output import as_json, local, table
from dogwatch.cli.session import Group, Session, command
from dogwatch.core.masking import SHORTEST
from dogwatch.core.problems import Problem, invalid
from dogwatch.core.variable import key_fault


@click.group("variable", cls=Group)
def variable_command() -> None:
    """Set, show and remove variables, which scripts read and set while they run."""


def _checked(key: str) -> str:
    if fault := key_fault(key):
        raise invalid("KEY", fault)
    return key


@command(
    "set",
    """
dogwatch variable set DATABASE_URL postgresql://shop@db.example/shop
dogwatch variable set API_TOKEN - < token.txt
dogwatch variable set REGION eu-1 --description "Where orders go"
""",
)
@click.argument("key")
@click.argument("value", metavar="VALUE|-")
@click.option("--description", help="What it is for.")
def variable_set(session: Session, key: str, value: str, description: str | None) -> None:
    """Set a variable; - reads the value from standard input, without its last line end."""
    text = sys.stdin.read().removesuffix("\n") if value == "-" else value
    sent: dict[str, Any] = {"value": text}
    sent |= {} if description is None else {"description": description}
    made = connect(session).send("PUT", f"/variables/{_checked(key)}", sent)
    as_json(made) if session.json else click.echo(f"{key} is set")
    if not made["masked"]:
        told = f"{key}: fewer than {SHORTEST} characters are not masked in what scripts print"
        click.echo(told, err=True)


@command("get", "dogwatch variable get DATABASE_URL\ndogwatch variable get DATABASE_URL --json")
@click.argument("key")
def variable_get(session: Session, key: str) -> None:
    """Print the value of a variable, exactly, without a line end of ours."""
    found = connect(session).get(f"/variables/{_checked(key)}")
    as_json(found) if session.json else click.echo(found["value"], nl=sys.stdout.isatty())


@command("ls", "dogwatch variable ls\ndogwatch variable ls --json")
def variable_ls(session: Session) -> None:
    """List variables and the jobs that use them, never their values."""
    found = sorted(connect(session).pages("/variables"), key=lambda one: str(one["key"]))
    if session.json:
        as_json(found)
        return
    rows = [
        {**one, "changed": local(one["updated_at"]), "used_by": [u["slug"] for u in one["uses"]]}
        for one in found
    ]
    table(rows, ("key", "changed", "used_by", "description"))


@command("rm", "dogwatch variable rm OLD_TOKEN\ndogwatch variable rm OLD_TOKEN --yes")
@click.argument("key")
@YES
def variable_rm(session: Session, key: str, yes: bool) -> None:
    """Delete a variable."""
    api = connect(session)
    confirm(f"Delete variable {_checked(key)}{_used(api, key)}?", yes=yes)
    api.send("DELETE", f"/variables/{key}")
    as_json({"deleted": key}) if session.json else click.echo(f"{key} is deleted")


def _used(api: Api, key: str) -> str:
    """Return who would miss a variable, as far as we may know."""
    try:
        users = [one["slug"] for one in api.get(f"/variables/{key}")["uses"]]
    except Problem as problem:
        if problem.kind == "refused":
            return ""
        raise
    return f", which {', '.join(users)} use" if users else ""


for one in (variable_set, variable_get, variable_ls, variable_rm):
    variable_command.add_command(one)
