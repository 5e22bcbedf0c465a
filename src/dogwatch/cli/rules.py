"""`dogwatch rule`: who is told of what, and when."""

from collections.abc import Iterator, Mapping
from typing import Any

import click

from dogwatch.cli.alerts import find_channel
from dogwatch.cli.client import Api, connect
from dogwatch.cli.length import LENGTH
from dogwatch.cli.output import as_json, table
from dogwatch.cli.session import Session, command
from dogwatch.cli.zone import local_zone

_ALL = 10_000
_EVENTS = click.Choice(("down", "degraded", "slow", "late", "recovered"))


@click.group("rule")
def rule_command() -> None:
    """Say which events of which watches go to which channel, and when."""


@command(
    "add",
    """
dogwatch rule add Team --tag billing --tag shop
dogwatch rule add 'On call' --watch nightly-backup --event down --delay 5m
dogwatch rule add Team --quiet 22:00-07:00 --repeat 30m --escalate 'On call=15m'
""",
)
@click.argument("channel")
@click.option("--event", "events", type=_EVENTS, multiple=True, help="May be repeated.")
@click.option("--tag", "tags", multiple=True, help="Watches with one of these tags.")
@click.option("--project", "project", multiple=True, help="Watches of these projects.")
@click.option("--watch", "watches", multiple=True, help="These watches, by slug.")
@click.option("--delay", type=LENGTH, metavar="5m", help="Only if it still is so by then.")
@click.option("--quiet", metavar="22:00-07:00", help="Hold everything in these hours.")
@click.option("--repeat", type=LENGTH, metavar="30m", help="Again until acknowledged or over.")
@click.option("--digest", metavar="08:00", help="Collect, and tell at this time of day.")
@click.option("--escalate", multiple=True, metavar="CHANNEL=15m", help="Then tell this one, too.")
@click.option(
    "--tz", metavar="ZONE", help="Zone of --quiet and --digest; this machine's if absent."
)
def rule_add(session: Session, channel: str, events: tuple[str, ...], **given: Any) -> None:
    """Tell a channel of watches: of all, unless told which; down and recovered, unless told."""
    kind, values = _scope_asked(given)
    timing = _timing(given, given["tz"] or local_zone(session.environ))
    steps = [_split(words, "=", "--escalate CHANNEL=15m") for words in given["escalate"]]
    api = connect(session)
    asked = {"channel_id": find_channel(api, channel)["id"]}
    asked |= {"scope": {"kind": kind, "values": values}, **timing}
    asked |= {"escalations": [_step(api, *step) for step in steps]} if steps else {}
    rule = api.send("POST", "/rules", asked | ({"events": list(events)} if events else {}))
    if session.json:
        as_json(rule)
    else:
        click.echo(f"{channel} hears of {_scope(rule)}: {', '.join(rule['events'])}")


def _scope_asked(given: Mapping[str, Any]) -> tuple[str, list[str]]:
    named = {kind: list(given[kind]) for kind in ("tags", "project", "watches") if given[kind]}
    if len(named) > 1:
        raise click.UsageError("Give --tag, --project or --watch, one of them; or add two rules.")
    return next(iter(named.items()), ("all", []))


def _timing(given: Mapping[str, Any], zone: str) -> dict[str, Any]:
    told: dict[str, Any] = {"delay_s": given["delay"], "repeat_s": given["repeat"]}
    if given["quiet"]:
        start, end = _split(given["quiet"], "-", "--quiet 22:00-07:00")
        told["quiet"] = {"start": start, "end": end, "timezone": zone}
    if given["digest"]:
        told["digest"] = {"time": given["digest"], "timezone": zone}
    return {name: value for name, value in told.items() if value is not None}


def _split(words: str, between: str, example: str) -> tuple[str, str]:
    first, found, last = words.rpartition(between)
    if not found or not first or not last:
        raise click.UsageError(f"Write it like this: {example}")
    return first.strip(), last.strip()


def _step(api: Api, channel: str, length: str) -> dict[str, Any]:
    after_s = LENGTH.convert(length, None, None)
    return {"channel_id": find_channel(api, channel)["id"], "after_s": after_s}


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
        {
            **one,
            "rule": one["id"],
            "channel": names.get(one["channel_id"]),
            "of": _scope(one),
            "when": "; ".join(_when(one, names)) or "at once",
        }
        for one in found
    ]
    table(rows, ("rule", "channel", "events", "of", "when"))


def _when(rule: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[str]:
    if rule.get("delay_s"):
        yield f"after {rule['delay_s']} s"
    if quiet := rule.get("quiet"):
        yield f"quiet {quiet['start']}-{quiet['end']} {quiet['timezone']}"
    if digest := rule.get("digest"):
        yield f"daily at {digest['time']} {digest['timezone']}"
    if rule.get("repeat_s"):
        yield f"again every {rule['repeat_s']} s"
    for step in rule.get("escalations") or []:
        yield f"{names.get(step['channel_id'])} after {step['after_s']} s"


@command("rm", "dogwatch rule rm 01kam3v7t0000000000000000a")
@click.argument("rule")
def rule_rm(session: Session, rule: str) -> None:
    """Delete a rule."""
    connect(session).send("DELETE", f"/rules/{rule}")
    as_json({"deleted": rule}) if session.json else click.echo(f"rule {rule} is deleted")


for one in (rule_add, rule_ls, rule_rm):
    rule_command.add_command(one)
