"""`dogwatch rule`: who is told of what, and when."""

from collections.abc import Iterator, Mapping
from typing import Any

import click

from dogwatch.cli.alerts import find_channel
from dogwatch.cli.client import Api, connect
from dogwatch.cli.confirm import YES, confirm
from dogwatch.cli.length import LENGTH
from dogwatch.cli.moment import CLOCK_TIME
from dogwatch.cli.output import as_json, table
from dogwatch.cli.scope import ALL_OF, SCOPE, scopes
from dogwatch.cli.scope import asked as asked_scope
from dogwatch.cli.session import Group, Session, command, joined
from dogwatch.cli.zone import local_zone
from dogwatch.core.plain import span

# What a rule sends, and to whom.
_SENT = ("channel_id", "events", "scope")
_TWO = "; or add two rules"
_EVENTS = click.Choice(("down", "degraded", "slow", "late", "recovered"))


_said = joined(
    click.option("--event", "events", type=_EVENTS, multiple=True, help="May be repeated."),
    SCOPE,
    click.option("--delay", type=LENGTH, metavar="5m", help="Only if it still is so by then."),
    click.option("--quiet", metavar="22:00-07:00", help="Hold everything in these hours."),
    click.option("--repeat", type=LENGTH, metavar="30m", help="Again until acknowledged or over."),
    click.option(
        "--digest", type=CLOCK_TIME, metavar="08:00", help="Collect, and tell at this time of day."
    ),
    click.option(
        "--escalate", multiple=True, metavar="CHANNEL=15m", help="Then tell this one, too."
    ),
    click.option(
        "--tz", metavar="ZONE", help="Zone of --quiet and --digest; this machine's if absent."
    ),
)


@click.group("rule", cls=Group)
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
@_said
def rule_add(session: Session, channel: str, events: tuple[str, ...], **given: Any) -> None:
    """Tell a channel of watches: of all, unless told which; down and recovered, unless told."""
    api = connect(session)
    asked = {
        "channel_id": find_channel(api, channel)["id"],
        "scope": asked_scope(given, _TWO) or ALL_OF,
    }
    rule = api.send("POST", "/rules", asked | _asked(session, api, events, given))
    if session.json:
        as_json(rule)
        return
    click.echo(_told(api, rule))
    _remark(api, rule)


def _remark(api: Api, rule: Mapping[str, Any]) -> None:
    """Say so where another rule sends the same channel the same."""
    for one in api.pages("/rules"):
        if one["id"] != rule["id"] and all(one[name] == rule[name] for name in _SENT):
            click.echo(
                f"dogwatch: {one['id']} sends the same already; each message goes once", err=True
            )


@command(
    "edit",
    """
dogwatch rule edit 01kam3v7t0000000000000000a --event down --event late
dogwatch rule edit 01kam3v7t0000000000000000a --quiet 22:00-07:00 --delay 0s
dogwatch rule edit 01kam3v7t0000000000000000a --all --no-repeat --no-digest
""",
)
@click.argument("rule")
@_said
@click.option("--all", "every", is_flag=True, help="Of all watches from now on.")
@click.option("--no-quiet", "no_quiet", is_flag=True, help="No quiet hours any more.")
@click.option("--no-repeat", "no_repeat_s", is_flag=True, help="Tell it once.")
@click.option("--no-digest", "no_digest", is_flag=True, help="Tell it when it happens.")
@click.option("--no-escalate", "no_escalations", is_flag=True, help="Tell nobody besides.")
def rule_edit(session: Session, rule: str, events: tuple[str, ...], **given: Any) -> None:
    """Change a rule; what is not given stays."""
    api = connect(session)
    cleared = {name[3:]: None for name in given if name.startswith("no_") and given[name]}
    scope = asked_scope(given, _TWO) or (ALL_OF if given["every"] else None)
    asked = cleared | _asked(session, api, events, given) | ({"scope": scope} if scope else {})
    if not asked:
        raise click.UsageError("Nothing to change; give an option.")
    changed = api.send("PATCH", f"/rules/{rule}", asked)
    as_json(changed) if session.json else click.echo(_told(api, changed))


def _asked(
    session: Session, api: Api, events: tuple[str, ...], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what is said of a rule beside its channel and its scope."""
    steps = [_split(words, "=", "--escalate CHANNEL=15m") for words in given["escalate"]]
    asked = _timing(given, given["tz"] or local_zone(session.environ))
    asked |= {"escalations": [_step(api, *step) for step in steps]} if steps else {}
    return asked | ({"events": list(events)} if events else {})


def _told(api: Api, rule: Mapping[str, Any]) -> str:
    """Return a rule in words, with all that holds it back or has it told again."""
    names = {one["id"]: one["name"] for one in api.pages("/channels")}
    of, events = scopes(api, [rule])(rule), ", ".join(rule["events"])
    told = f"{names.get(rule['channel_id'])} hears of {of}: {events}"
    return "; ".join([told, *_when(rule, names)])


def _timing(given: Mapping[str, Any], zone: str) -> dict[str, Any]:
    told: dict[str, Any] = {"delay_s": given["delay"], "repeat_s": given["repeat"]}
    if given["quiet"]:
        start, end = _split(given["quiet"], "-", "--quiet 22:00-07:00")
        start, end = (CLOCK_TIME.convert(one, None, None) for one in (start, end))
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


@command("ls", "dogwatch rule ls\ndogwatch rule ls --json")
def rule_ls(session: Session) -> None:
    """List the rules."""
    api = connect(session)
    found = api.pages("/rules")
    if session.json:
        as_json(found)
        return
    names = {one["id"]: one["name"] for one in api.pages("/channels")}
    of = scopes(api, found)
    rows = [
        {
            **one,
            "rule": one["id"],
            "channel": names.get(one["channel_id"]),
            "of": of(one),
            "when": "; ".join(_when(one, names)) or "at once",
        }
        for one in found
    ]
    table(rows, ("rule", "channel", "events", "of", "when"))


def _when(rule: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[str]:
    if rule.get("delay_s"):
        yield f"if it lasts {span(rule['delay_s'])}"
    if quiet := rule.get("quiet"):
        yield f"quiet {quiet['start']}-{quiet['end']} {quiet['timezone']}"
    if digest := rule.get("digest"):
        yield f"daily at {digest['time']} {digest['timezone']}"
    if rule.get("repeat_s"):
        yield f"again every {span(rule['repeat_s'])}"
    for step in rule.get("escalations") or []:
        yield f"then {names.get(step['channel_id'])} after {span(step['after_s'])}"


@command("rm", "dogwatch rule rm 01kam3v7t0000000000000000a --yes")
@click.argument("rule")
@YES
def rule_rm(session: Session, rule: str, yes: bool) -> None:
    """Delete a rule."""
    confirm(f"Delete rule {rule}?", yes=yes)
    connect(session).send("DELETE", f"/rules/{rule}")
    as_json({"deleted": rule}) if session.json else click.echo(f"rule {rule} is deleted")


for one in (rule_add, rule_edit, rule_ls, rule_rm):
    rule_command.add_command(one)
