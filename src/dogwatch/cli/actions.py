"""`dogwatch action`: what follows the runs of a job or a workflow."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from dogwatch.cli.alerts import find_channel
from dogwatch.cli.client import Api, connect
from dogwatch.cli.confirm import YES, confirm
from dogwatch.cli.output import as_json, table
from dogwatch.cli.session import Group, Session, command, said
from dogwatch.core.conditional import On
from dogwatch.core.plain import counted
from dogwatch.core.problems import invalid


@click.group("action", cls=Group)
def action_command() -> None:
    """What follows the runs of a job or a workflow: another run, or a message."""


@command("ls", "dogwatch action ls fetch-orders")
@click.argument("slug")
def action_ls(session: Session, slug: str) -> None:
    """List what follows the runs of a job or a workflow."""
    api = connect(session)
    _tell(session, api, api.get(f"/jobs/{slug}/actions"))


@command(
    "add",
    """
dogwatch action add fetch-orders --on success --run load-orders
dogwatch action add fetch-orders --on failure --channel ops --message "{{event.error}}"
""",
)
@click.argument("slug")
@click.option("--on", required=True, type=click.Choice([str(one) for one in On]), help="When.")
@click.option("--run", metavar="JOB", help="Run this job or workflow, with the output as input.")
@click.option("--channel", help="Send a message through this channel: its name or id.")
@click.option("--subject", metavar="TEMPLATE", help="Of the message.")
@click.option("--message", metavar="TEMPLATE|@FILE", help="Its text.")
def action_add(session: Session, slug: str, **given: str | None) -> None:
    """Have another run, or a message, follow the runs of a job or a workflow."""
    api = connect(session)
    new = said(given)
    if "channel" in new:
        new["channel"] = find_channel(api, new["channel"])["id"]
    if new.get("message", "").startswith("@"):
        new["message"] = _text_of(new["message"][1:])
    path = f"/jobs/{slug}/actions"
    kept = [_asked(one) for one in api.get(path)["actions"]]
    _tell(session, api, api.send("PUT", path, {"actions": [*kept, new]}))


@command("rm", "dogwatch action rm fetch-orders 2\ndogwatch action rm fetch-orders 2 --yes")
@click.argument("slug")
@click.argument("number", type=click.IntRange(1))
@YES
def action_rm(session: Session, slug: str, number: int, yes: bool) -> None:
    """Remove what follows, by its number in the list."""
    api, path = connect(session), f"/jobs/{slug}/actions"
    kept = [_asked(one) for one in api.get(path)["actions"]]
    if number > len(kept):
        raise invalid("NUMBER", f"{slug} has {counted(len(kept), 'action')}")
    confirm(f"Remove action {number} of {slug}?", yes=yes)
    del kept[number - 1]
    _tell(session, api, api.send("PUT", path, {"actions": kept}))


def _asked(action: Mapping[str, Any]) -> dict[str, Any]:
    """Return an action as it is sent."""
    return {name: value for name, value in action.items() if value is not None}


def _tell(session: Session, api: Api, told: Mapping[str, Any]) -> None:
    if session.json:
        as_json(told)
    elif told["actions"]:
        rows = [_row(api, number, one) for number, one in enumerate(told["actions"], 1)]
        table(rows, ("number", "on", "what"))
    else:
        click.echo("Nothing follows its runs.")


def _row(api: Api, number: int, action: Mapping[str, Any]) -> dict[str, Any]:
    return {"number": number, "on": action["on"], "what": _what(api, action)}


def _what(api: Api, action: Mapping[str, Any]) -> str:
    """Return what is done, its target by name."""
    if action["run"]:
        target = api.get(f"/watches/{action['run']}")
        return f"run {target['slug']}"
    names = {one["id"]: one["name"] for one in api.pages("/channels")}
    text = " ".join(filter(None, (action["subject"], action["message"])))
    return f"tell {names.get(action['channel'], action['channel'])}: {text}"


def _text_of(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise invalid("--message", f"cannot read {path}: {error.strerror}") from None


for one in (action_ls, action_add, action_rm):
    action_command.add_command(one)
