"""What broke, and why: incident, ack, snooze, why."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from dogwatch.cli.client import connect
from dogwatch.cli.length import LENGTH
from dogwatch.cli.output import as_json, local, pairs, table
from dogwatch.cli.session import Group, Session, command
from dogwatch.cli.zone import local_zone
from dogwatch.clock import SystemClock
from dogwatch.core.incident import snoozing_until_at
from dogwatch.core.instants import in_zone
from dogwatch.core.plain import printable
from dogwatch.core.problems import Problem

_STATES = click.Choice(("open", "acknowledged", "closed"))


@click.group("incident", cls=Group)
def incident_command() -> None:
    """List and show incidents; acknowledge, snooze and close them."""


@command(
    "ls",
    """
dogwatch incident ls
dogwatch incident ls --state open
dogwatch incident ls -n 5 --json
""",
)
@click.option("-n", "count", type=click.IntRange(1, 100_000), default=20, help="How many.")
@click.option("--state", type=_STATES, help="Only these.")
def incident_ls(session: Session, count: int, state: str | None) -> None:
    """List incidents, newest first."""
    found = connect(session).pages("/incidents", count, state=state)
    if session.json:
        as_json(found)
        return
    rows = [
        {
            **one,
            "incident": one["number"],
            "since": local(one["opened_at"]),
            "watches": one["count"],
            "still_down": one["going_on"],
            "by": one["closed_by"] or one["acked_by"],
            "snoozed_until": _snoozed_until(one),
        }
        for one in found
    ]
    columns = ("incident", "state", "trouble", "since", "watches", "still_down", "by")
    table(rows, (*columns, "snoozed_until"))


@command("show", "dogwatch incident show 7\ndogwatch incident show 7 --json")
@click.argument("number")
def incident_show(session: Session, number: str) -> None:
    """Show an incident with its ladder: late, down, each alert, who knows, recovered."""
    found = connect(session).get(f"/incidents/{number}")
    if session.json:
        as_json(found)
        return
    _told(found)
    rows = [
        {**step, "at": local(step["at"]), "text": _here(session, step["text"])}
        for step in found["ladder"]
    ]
    if rows:
        table(rows, ("at", "watch", "kind", "text"))


def _here(session: Session, sentence: str) -> str:
    """Return a sentence with its times on the clock of this machine."""
    zone = local_zone(session.environ)
    return in_zone(sentence, ZoneInfo(zone), zone)


def _told(incident: Mapping[str, Any]) -> None:
    going_on = incident["going_on"]
    pairs(
        {
            "incident": incident["number"],
            "trouble": incident["trouble"],
            "state": incident["state"],
            "since": local(incident["opened_at"]),
            "acknowledged by": incident["acked_by"],
            "snoozed until": _snoozed_until(incident),
            "closed by": incident["closed_by"],
            "watches": f"{incident['count']}, of which {going_on} {_are(going_on)} down",
        }
    )


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _snoozed_until(incident: Mapping[str, Any]) -> str | None:
    """Return until when nothing is said of it, if that is still to come."""
    told, now = incident["snoozed_until_at"], SystemClock().now()
    until_at = datetime.fromisoformat(told) if told else None
    return local(told) if snoozing_until_at(until_at, incident["state"], now) else None


def _acknowledge(session: Session, number: str) -> None:
    api = connect(session)
    known = api.get(f"/incidents/{number}")
    done = api.send("POST", f"/incidents/{number}/acknowledge", {})
    if known["acked_at"] and not session.json:
        told = f"{known['acked_by']} acknowledged it at {local(known['acked_at'])}"
        click.echo(f"dogwatch: nothing is changed: {told} already", err=True)
    as_json(done) if session.json else _told(done)


def _act(session: Session, number: str, verb: str, body: Mapping[str, Any]) -> None:
    done = connect(session).send("POST", f"/incidents/{number}/{verb}", dict(body))
    as_json(done) if session.json else _told(done)


@command("ack", "dogwatch incident ack 7\ndogwatch incident ack 7 --json")
@click.argument("number")
def incident_ack(session: Session, number: str) -> None:
    """Say that somebody looks after it: no more reminders, and nobody else is called."""
    _acknowledge(session, number)


@command("snooze", "dogwatch incident snooze 7 2h\ndogwatch incident snooze 7 30m --json")
@click.argument("number")
@click.argument("length", type=LENGTH)
def incident_snooze(session: Session, number: str, length: int) -> None:
    """Say nothing of it for a while; then remind whoever was told, if it is still on."""
    _act(session, number, "snooze", {"for_s": length})


@command("close", "dogwatch incident close 7\ndogwatch incident close 7 --json")
@click.argument("number")
def incident_close(session: Session, number: str) -> None:
    """End it by hand, though something of it may still be down."""
    _act(session, number, "close", {})


for one in (incident_ls, incident_show, incident_ack, incident_snooze, incident_close):
    incident_command.add_command(one)


@command("ack", "dogwatch ack 7\ndogwatch ack 7 --json")
@click.argument("number")
def ack_command(session: Session, number: str) -> None:
    """Acknowledge an incident."""
    _acknowledge(session, number)


@command("snooze", "dogwatch snooze nightly-backup 2h\ndogwatch snooze nightly-backup 30m --json")
@click.argument("watch")
@click.argument("length", type=LENGTH)
def snooze_command(session: Session, watch: str, length: int) -> None:
    """Say nothing of a watch's open incident for a while; it counts for all that it is about."""
    number = connect(session).get(f"/watches/{watch}/why")["incident"]
    if number is None:
        raise Problem("not_found", f"no incident is open for {watch}")
    _act(session, str(number), "snooze", {"for_s": length})


@command("why", "dogwatch why nightly-backup\ndogwatch why nightly-backup --json")
@click.argument("watch")
def why_command(session: Session, watch: str) -> None:
    """Say why a watch is as it is, and why somebody was told or was not."""
    found = connect(session).get(f"/watches/{watch}/why")
    as_json(found) if session.json else click.echo(printable(_here(session, found["sentence"])))
