"""`dogwatch explain`: what a schedule means, without a server."""

from zoneinfo import ZoneInfo

import click

from dogwatch.cli.output import as_json
from dogwatch.cli.session import Session, command
from dogwatch.clock import SystemClock
from dogwatch.core.schedule import parse

EXAMPLES = """
dogwatch explain "0 2 * * 1-5" --tz Europe/Warsaw
dogwatch explain @daily -n 3
dogwatch explain "Mon..Fri *-*-* 09:00" --tz America/New_York --json
"""


@command("explain", EXAMPLES)
@click.argument("expression")
@click.option("--tz", "timezone", default="UTC", show_default=True, metavar="ZONE", help="Zone.")
@click.option("-n", "count", type=click.IntRange(1, 1000), default=10, help="How many dates.")
def explain_command(session: Session, expression: str, timezone: str, count: int) -> None:
    """Say what a schedule means, when it is due next, and what clock changes do to it."""
    schedule = parse(expression, timezone)
    now = SystemClock().now()
    dates, notes = schedule.next(count, now), schedule.dst_notes(now, count)
    if session.json:
        told = {"schedule": expression, "timezone": timezone, "english": schedule.english()}
        utc = [date.isoformat().replace("+00:00", "Z") for date in dates]
        as_json(told | {"next": utc, "dst_notes": notes})
        return
    zone = ZoneInfo(timezone)
    click.echo(schedule.english())
    for date in dates:
        there = date.astimezone(zone)
        click.echo(f"  {there:%a %Y-%m-%d %H:%M:%S %Z}  {date:%Y-%m-%d %H:%M:%SZ}")
    for note in notes:
        click.echo(f"  ! {note}")
