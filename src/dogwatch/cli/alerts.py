"""Whom to tell, and what became of it: channel, deliveries."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import click

from dogwatch.cli.client import Api, Limits, connect, slugs
from dogwatch.cli.confirm import YES, confirm
from dogwatch.cli.length import LENGTH
from dogwatch.cli.named import named
from dogwatch.cli.output import as_json, local, table
from dogwatch.cli.session import Group, Session, command, said
from dogwatch.core.alerts import where

_WAIT_S = 20
_PATIENT = Limits(connect_s=10.0, answer_s=_WAIT_S + 10.0)


def find_channel(api: Api, name: str) -> dict[str, Any]:
    """Return a channel by its id or its name."""
    return named(api, "channel", name)


# --- channels ---------------------------------------------------------------------------------


class _Channel(Group):
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
    found = connect(session).pages("/channels")
    if session.json:
        as_json(found)
        return
    rows = [
        {**one, "channel": one["id"], "to": where(one["settings"]), "state": _state(one)}
        for one in found
    ]
    table(rows, ("channel", "name", "kind", "to", "state"))


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
    queued = api.send("POST", f"/channels/{find_channel(api, channel)['id']}/test", {})
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
@YES
def channel_rm(session: Session, channel: str, yes: bool) -> None:
    """Delete a channel with its rules and deliveries."""
    api = connect(session)
    found = find_channel(api, channel)
    confirm(f"Delete channel {found['name']}, with its rules?", yes=yes)
    api.send("DELETE", f"/channels/{found['id']}")
    as_json({"deleted": found["id"]}) if session.json else click.echo(f"{channel} is deleted")


def _turn(session: Session, channel: str, *, enabled: bool) -> None:
    api = connect(session)
    changed = api.send(
        "PATCH", f"/channels/{find_channel(api, channel)['id']}", {"enabled": enabled}
    )
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


@command(
    "edit",
    """
dogwatch channel edit Team --name 'Team on call'
dogwatch channel edit Team --group-window 30s
dogwatch channel edit Team --group-window 0s --json
""",
)
@click.argument("channel")
@click.option("--name", help="What people call it.")
@click.option(
    "--group-window",
    "group_window_s",
    type=LENGTH,
    metavar="30s",
    help="For how long to collect what happens for one message; 0s: each on its own.",
)
@click.option("--usual-window", is_flag=True, help="Collect as channels of its kind do.")
def channel_edit(session: Session, channel: str, usual_window: bool, **options: Any) -> None:
    """Change a channel's name, or for how long it collects."""
    given = said(options)
    given |= {"group_window_s": None} if usual_window else {}
    if not given:
        raise click.UsageError("Nothing to change; give an option.")
    api = connect(session)
    changed = api.send("PATCH", f"/channels/{find_channel(api, channel)['id']}", given)
    if session.json:
        as_json(changed)
    else:
        click.echo(f"{changed['name']} collects for {changed['group_window_s']} s")


for one in (channel_ls, channel_test, channel_rm, channel_enable, channel_disable, channel_edit):
    channel_command.add_command(one)


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
@click.option("--state", help="held, pending, sent, failed or suppressed.")
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
    channel_id = find_channel(api, channel)["id"] if channel else None
    found = api.pages("/deliveries", count, state=state, watch=watch, channel=channel_id)
    as_json(found) if session.json else _listed(api, found)


def _attempts(session: Session, delivery: Mapping[str, Any]) -> None:
    if session.json:
        as_json(delivery)
        return
    reason = f": {delivery['reason']}" if delivery.get("reason") else ""
    click.echo(f"{delivery['event']}: {delivery['state']}{reason}")
    if bundle_id := delivery.get("bundle_id"):
        click.echo(f"told with others, by one message: dogwatch deliveries {bundle_id}")
    rows = [
        {**one, "at": local(one["at"]), "status": one["status_code"]}
        for one in delivery["receipts"]
    ]
    table(rows, ("attempt", "at", "verdict", "status", "detail"))


def _listed(api: Api, found: list[Any]) -> None:
    named = slugs(api, found)
    channels = {one["id"]: one["name"] for one in api.pages("/channels")}
    rows = [
        {
            **one,
            "delivery": one["id"],
            "at": local(one["created_at"]),
            "slug": named.get(one.get("watch_id") or "", "–"),
            "channel": channels.get(one["channel_id"]),
            "reason": _reason(one),
        }
        for one in found
    ]
    table(rows, ("delivery", "at", "slug", "event", "channel", "state", "attempts", "reason"))


def _reason(delivery: Mapping[str, Any]) -> str:
    told = [delivery.get("reason"), _bundled(delivery)]
    return "; ".join(filter(None, told))


def _bundled(delivery: Mapping[str, Any]) -> str:
    return f"told by {delivery['bundle_id']}" if delivery.get("bundle_id") else ""
