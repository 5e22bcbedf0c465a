"""`dogwatch explain`: what a schedule means, without a server."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import click

from dogwatch.cli.output import as_json
from dogwatch.cli.schedule import SCHEDULE
from dogwatch.cli.session import Session, command
from dogwatch.cli.zone import local_zone
from dogwatch.clock import SystemClock
from dogwatch.core.schedule import parse

_SECOND = timedelta(seconds=1)
EXAMPLES = """
dogwatch explain "0 2 * * 1-5" --tz Europe/Warsaw
dogwatch explain @daily -n 3
dogwatch explain "Mon..Fri *-*-* 09:00" --tz America/New_York --json
"""


@command("explain", EXAMPLES)
@click.argument("expression", type=SCHEDULE)
@click.option("--tz", "given", metavar="ZONE", help="Time zone; this machine's if absent.")
@click.option("-n", "count", type=click.IntRange(1, 1000), default=10, help="How many dates.")
def explain_command(session: Session, expression: str, given: str | None, count: int) -> None:
    """Say what a schedule means, when it is due next, and what clock changes do to it."""
    timezone = given or local_zone(session.environ)
    schedule = parse(expression, timezone)
    now = SystemClock().now()
    dates, notes = schedule.next(count, now), schedule.dst_notes(now, count)
    if session.json:
        told = {"schedule": expression, "timezone": timezone, "english": schedule.english()}
        utc = [date.isoformat().replace("+00:00", "Z") for date in dates]
        change = next_change(timezone, now)
        change_at = change.isoformat().replace("+00:00", "Z") if change else None
        as_json(told | {"next": utc, "dst_notes": notes, "next_clock_change_at": change_at})
        return
    zone = ZoneInfo(timezone)
    click.echo(schedule.english())
    for date in dates:
        there = date.astimezone(zone)
        click.echo(f"  {there:%a %Y-%m-%d %H:%M:%S %Z}  {date:%Y-%m-%d %H:%M:%SZ}")
    for note in notes:
        click.echo(f"  ! {note}")
    if change := next_change(timezone, now):
        before, after = (change - _SECOND).astimezone(zone), change.astimezone(zone)
        span = f"{before + _SECOND:%H:%M %Z} becomes {after:%H:%M %Z}"
        click.echo(f"The clocks change next on {before:%a %Y-%m-%d}: {span}")


def next_change(timezone: str, now: datetime) -> datetime | None:
    """Return when the zone's offset changes next, to the second; None if not within 400 days."""
    zone = ZoneInfo(timezone)

    def offset(at: datetime) -> timedelta | None:
        return at.astimezone(zone).utcoffset()

    early = now.replace(microsecond=0)
    days = (early + timedelta(days=day) for day in range(1, 401))
    late = next((at for at in days if offset(at) != offset(early)), None)
    if late is None:
        return None
    early = late - timedelta(days=1)
    while late - early > _SECOND:
        middle = early + (late - early) // _SECOND // 2 * _SECOND
        early, late = (middle, late) if offset(middle) == offset(early) else (early, middle)
    return late
