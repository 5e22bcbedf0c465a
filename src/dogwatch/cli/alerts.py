"""Whom to tell of what: channel, rule, deliveries."""

from collections.abc import Mapping
from typing import Any

import click

from dogwatch.cli.client import Api, connect, slugs
from dogwatch.cli.confirm import confirm
from dogwatch.cli.output import as_json, local, table
from dogwatch.cli.session import Session, command
from dogwatch.core.problems import Problem

_ALL = 10_000
_EVENTS = click.Choice(("down", "degraded", "recovered"))


def _find(api: Api, name: str) -> dict[str, Any]:
    """Return a channel by its id or its name."""
    every = api.pages("/channels", _ALL)
    found = [one for one in every if name == one["id"]] or [
        one for one in every if name == one["name"]
    ]
    if len(found) == 1:
        return dict(found[0])
    if found:
        raise Problem("conflict", f"{len(found)} channels are named {name!r}; give an id")
    raise Problem("not_found", f"there is no channel {name!r}; see dogwatch channel ls")


# --- channels ---------------------------------------------------------------------------------


@click.group("channel")
def channel_command() -> None:
    """Make, list, test and remove the places to tell."""


@command(
    "add",
    """
dogwatch channel add "On call" --webhook https://hooks.example.org/in --all
dogwatch channel add Team --email ana@example.org --email bo@example.org --all
dogwatch channel add Billing --email billing@example.org
""",
)
@click.argument("name")
@click.option("--webhook", metavar="URL", help="Post signed JSON there.")
@click.option("--email", "to", multiple=True, metavar="ADDRESS", help="Mail; may be repeated.")
@click.option("--all", "all_watches", is_flag=True, help="Tell it of every watch from now on.")
def channel_add(
    session: Session, name: str, webhook: str | None, to: tuple[str, ...], all_watches: bool
) -> None:
    """Make a place to tell; with --all it hears of every watch that goes down or comes back."""
    if bool(webhook) == bool(to):
        raise click.UsageError("Give --webhook or --email, one of them.")
    kind, settings = ("webhook", {"url": webhook}) if webhook else ("email", {"to": list(to)})
    api = connect(session)
    asked = {"name": name, "kind": kind, "settings": settings}
    channel = api.send("POST", "/channels", asked)
    rule = api.send("POST", "/rules", {"channel_id": channel["id"]}) if all_watches else None
    if session.json:
        as_json({**channel, "rule": rule})
    else:
        _made(channel)
    if not rule:
        told = f"nobody is told through {name!r} yet: dogwatch rule add {channel['id']}"
        click.echo(f"dogwatch: {told}", err=True)


def _made(channel: Mapping[str, Any]) -> None:
    click.echo(f"{channel['name']} is channel {channel['id']}")
    for secret in channel.get("secrets") or []:
        click.echo(f"  secret, shown this once: {secret}")
    click.echo(f"  dogwatch channel test {channel['id']}")


@command("ls", "dogwatch channel ls\ndogwatch channel ls --json")
def channel_ls(session: Session) -> None:
    """List the channels."""
    found = connect(session).pages("/channels", _ALL)
    if session.json:
        as_json(found)
        return
    rows = [{**one, "channel": one["id"], "to": _where(one), "state": _state(one)} for one in found]
    table(rows, ("channel", "name", "kind", "to", "state"))


def _where(channel: Mapping[str, Any]) -> str:
    settings = channel.get("settings") or {}
    to = settings.get("to") or settings.get("url") or ""
    return ", ".join(to) if isinstance(to, list) else str(to)


def _state(channel: Mapping[str, Any]) -> str:
    return "on" if channel["enabled"] else f"off: {channel.get('disabled_reason') or ''}"


@command("test", "dogwatch channel test 'On call'\ndogwatch channel test Team --json")
@click.argument("channel")
def channel_test(session: Session, channel: str) -> None:
    """Send a real test message through a channel, named by its name or id."""
    api = connect(session)
    delivery = api.send("POST", f"/channels/{_find(api, channel)['id']}/test", {})
    if session.json:
        as_json(delivery)
    else:
        click.echo("A test is on its way. What became of it:")
        click.echo(f"  dogwatch deliveries {delivery['id']}")


@command("rm", "dogwatch channel rm Team\ndogwatch channel rm Team --yes")
@click.argument("channel")
@click.option("--yes", "-y", is_flag=True, help="Don't ask.")
def channel_rm(session: Session, channel: str, yes: bool) -> None:
    """Delete a channel with its rules and deliveries."""
    api = connect(session)
    found = _find(api, channel)
    confirm(f"Delete channel {found['name']}, with its rules?", yes=yes)
    api.send("DELETE", f"/channels/{found['id']}")
    as_json({"deleted": found["id"]}) if session.json else click.echo(f"{channel} is deleted")


def _turn(session: Session, channel: str, *, enabled: bool) -> None:
    api = connect(session)
    changed = api.send("PATCH", f"/channels/{_find(api, channel)['id']}", {"enabled": enabled})
    as_json(changed) if session.json else click.echo(f"{changed['name']} is {_state(changed)}")


@command("enable", "dogwatch channel enable Team\ndogwatch channel enable Team --json")
@click.argument("channel")
def channel_enable(session: Session, channel: str) -> None:
    """Send through a channel again, whatever switched it off."""
    _turn(session, channel, enabled=True)


@command("disable", "dogwatch channel disable Team\ndogwatch channel disable Team --json")
@click.argument("channel")
def channel_disable(session: Session, channel: str) -> None:
    """Send nothing through a channel until it is enabled."""
    _turn(session, channel, enabled=False)


for one in (channel_add, channel_ls, channel_test, channel_rm, channel_enable, channel_disable):
    channel_command.add_command(one)


# --- rules ------------------------------------------------------------------------------------


@click.group("rule")
def rule_command() -> None:
    """Say which events of which watches go to which channel."""


@command(
    "add",
    """
dogwatch rule add Team
dogwatch rule add Team --tag billing --tag shop
dogwatch rule add 'On call' --watch nightly-backup --event down
""",
)
@click.argument("channel")
@click.option("--event", "events", type=_EVENTS, multiple=True, help="May be repeated.")
@click.option("--tag", "tags", multiple=True, help="Watches with one of these tags.")
@click.option("--project", "project", multiple=True, help="Watches of these projects.")
@click.option("--watch", "watches", multiple=True, help="These watches, by slug.")
def rule_add(session: Session, channel: str, events: tuple[str, ...], **scopes: Any) -> None:
    """Tell a channel of watches: of all, unless told which; down and recovered, unless told."""
    given = {kind: list(values) for kind, values in scopes.items() if values}
    if len(given) > 1:
        raise click.UsageError("Give --tag, --project or --watch, one of them; or add two rules.")
    kind, values = next(iter(given.items()), ("all", list[str]()))
    api = connect(session)
    asked = {"channel_id": _find(api, channel)["id"], "scope": {"kind": kind, "values": values}}
    rule = api.send("POST", "/rules", asked | ({"events": list(events)} if events else {}))
    if session.json:
        as_json(rule)
    else:
        click.echo(f"{channel} hears of {_scope(rule)}: {', '.join(rule['events'])}")


def _scope(rule: Mapping[str, Any]) -> str:
    scope = rule["scope"]
    named = ", ".join(scope["values"])
    return "all watches" if scope["kind"] == "all" else f"{scope['kind']} {named}"


@command("ls", "dogwatch rule ls\ndogwatch rule ls --json")
def rule_ls(session: Session) -> None:
    """List the rules."""
    api = connect(session)
    found = api.pages("/rules", _ALL)
    if session.json:
        as_json(found)
        return
    names = {one["id"]: one["name"] for one in api.pages("/channels", _ALL)}
    rows = [
        {**one, "rule": one["id"], "channel": names.get(one["channel_id"]), "of": _scope(one)}
        for one in found
    ]
    table(rows, ("rule", "channel", "events", "of"))


@command("rm", "dogwatch rule rm 01kam3v7t0000000000000000a")
@click.argument("rule")
def rule_rm(session: Session, rule: str) -> None:
    """Delete a rule."""
    connect(session).send("DELETE", f"/rules/{rule}")
    as_json({"deleted": rule}) if session.json else click.echo(f"rule {rule} is deleted")


for one in (rule_add, rule_ls, rule_rm):
    rule_command.add_command(one)


# --- deliveries -------------------------------------------------------------------------------


@command(
    "deliveries",
    """
dogwatch deliveries
dogwatch deliveries --state failed --watch nightly-backup
dogwatch deliveries 01kam3v7t0000000000000000a
""",
)
@click.argument("delivery", required=False)
@click.option("-n", "count", type=click.IntRange(1, 100_000), default=20, help="How many.")
@click.option("--state", help="pending, sent or failed.")
@click.option("--watch", metavar="SLUG", help="Only of this watch.")
@click.option("--channel", help="Only through this channel, by name or id.")
def deliveries_command(
    session: Session,
    delivery: str | None,
    count: int,
    state: str | None,
    watch: str | None,
    channel: str | None,
) -> None:
    """List what was told to whom, newest first; of one delivery, every attempt."""
    api = connect(session)
    if delivery:
        _attempts(session, api.get(f"/deliveries/{delivery}"))
        return
    channel_id = _find(api, channel)["id"] if channel else None
    found = api.pages("/deliveries", count, state=state, watch=watch, channel=channel_id)
    as_json(found) if session.json else _listed(api, found)


def _attempts(session: Session, delivery: Mapping[str, Any]) -> None:
    if session.json:
        as_json(delivery)
        return
    reason = f": {delivery['reason']}" if delivery.get("reason") else ""
    click.echo(f"{delivery['event']}: {delivery['state']}{reason}")
    rows = [
        {**one, "at": local(one["at"]), "status": one["status_code"]}
        for one in delivery["receipts"]
    ]
    table(rows, ("attempt", "at", "verdict", "status", "detail"))


def _listed(api: Api, found: list[Any]) -> None:
    named = slugs(api, found)
    channels = {one["id"]: one["name"] for one in api.pages("/channels", _ALL)}
    rows = [
        {
            **one,
            "delivery": one["id"],
            "at": local(one["created_at"]),
            "slug": named.get(one.get("watch_id") or "", "–"),
            "channel": channels.get(one["channel_id"]),
        }
        for one in found
    ]
    table(rows, ("delivery", "at", "slug", "event", "channel", "state", "attempts", "reason"))
