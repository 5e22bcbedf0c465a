"""Whom to tell of what: channel, rule, deliveries."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import click

from dogwatch.cli.client import Api, Limits, connect, slugs
from dogwatch.cli.confirm import confirm
from dogwatch.cli.output import as_json, local, table
from dogwatch.cli.session import Session, command
from dogwatch.core.problems import Problem

_ALL = 10_000
_WAIT_S = 20
_PATIENT = Limits(connect_s=10.0, answer_s=_WAIT_S + 10.0)
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


class _Channel(click.Group):
    """The verbs; `add` knows every kind of channel, so it is loaded when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs, making first."""
        return ["add", *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a verb."""
        if cmd_name != "add":
            return super().get_command(ctx, cmd_name)
        from dogwatch.cli.channel_add import channel_add  # with it come libcurl and cryptography

        return channel_add


@click.group("channel", cls=_Channel)
def channel_command() -> None:
    """Make, list, test and remove the places to tell."""


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
    open_ones = (settings.get(name) for name in ("to", "url", "room", "chat_id", "server"))
    to = next((one for one in open_ones if one and one != "***"), "")
    return ", ".join(to) if isinstance(to, list) else str(to)


def _state(channel: Mapping[str, Any]) -> str:
    return "on" if channel["enabled"] else f"off: {channel.get('disabled_reason') or ''}"


@command("test", "dogwatch channel test 'On call'\ndogwatch channel test Team --json")
@click.argument("channel")
@click.pass_context
def channel_test(ctx: click.Context, session: Session, channel: str) -> None:
    """Send a real test message through a channel, and say what the service answered.

    The exit code is 0 if it was taken, else 1.
    """
    api = connect(session)
    queued = api.send("POST", f"/channels/{_find(api, channel)['id']}/test", {})
    patient = replace(api, limits=_PATIENT)
    delivery = patient.get(f"/deliveries/{queued['id']}", wait_s=_WAIT_S)
    if session.json:
        as_json(delivery)
    else:
        click.echo(_outcome(delivery))
    ctx.exit(0 if delivery["state"] == "sent" else 1)


def _outcome(delivery: Mapping[str, Any]) -> str:
    more = f"dogwatch deliveries {delivery['id']}"
    if not delivery["receipts"]:
        return delivery["reason"] or f"No answer yet; see later: {more}"
    last = delivery["receipts"][-1]
    if delivery["state"] == "sent":
        return f"Sent. {last['detail']}"
    if delivery["state"] == "failed":
        return f"Not sent. {last['detail']}"
    return f"Not sent yet, it is tried again. {last['detail']}\n  {more}"


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


for one in (channel_ls, channel_test, channel_rm, channel_enable, channel_disable):
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
