"""`dogwatch import crontab` and `discover`: read the files, ask the server, say the plan and carry
it out.
"""

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from dogwatch.cli.client import Api, connect
from dogwatch.cli.crontab.files import File, found, read, user_name
from dogwatch.cli.crontab.plan import Item, Kind, Known, gone, items, plan
from dogwatch.cli.crontab.told import Report
from dogwatch.cli.session import Command, Group, Session, command
from dogwatch.core.crontab import Entry, suggest_name
from dogwatch.core.problems import Problem

_CRON_OWN = frozenset({"MAILTO", "MAILFROM", "CRON_TZ", "SHELL", "CONTENT_TYPE"})
_ELSEWHERE = ("DOGWATCH_DATA", "DOGWATCH_SERVER", "DOGWATCH_KEY")
_WORD = re.compile(r"[^\s:]+")
EXAMPLES = """
dogwatch import crontab /etc/crontab /etc/cron.d/*
dogwatch import crontab --apply /etc/crontab /etc/cron.d/*
crontab -l | dogwatch import crontab --apply -
ssh ana@db2 crontab -l | dogwatch import crontab --host db2 --owner ana --tz Asia/Tokyo -
dogwatch import crontab --system-format --prefix old backup/cron.d/*
dogwatch import crontab --as job --apply /etc/cron.d/backup
"""
EXAMPLES_OF_DISCOVER = """
dogwatch discover
dogwatch discover --auto
dogwatch discover --prefix db2 --tz Europe/Warsaw
"""
_KINDS = click.Choice(["watch", "job"])
_KIND_TOLD = "Watch each line, or run it here as a job."


class _Word(click.ParamType[str]):
    """A name without blanks and colons."""

    name = "NAME"

    def convert(self, value: str, param: Any, ctx: Any) -> str:
        """Return the name, or fail as a fault of usage."""
        return value if _WORD.fullmatch(value) else self.fail(f"{value!r} is no name", param, ctx)


@click.group("import", cls=Group)
def import_command() -> None:
    """Bring in schedules from elsewhere."""


@import_command.command("crontab", cls=Command, examples=EXAMPLES)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--apply", is_flag=True, help="Do what the plan says.")
@click.option("--as", "kind", type=_KINDS, default="watch", help=_KIND_TOLD)
@click.option("--tz", metavar="ZONE", help="Zone of lines without CRON_TZ.")
@click.option("--user-format/--system-format", "user", default=None, help="No user field, or one.")
@click.option("--host", type=_Word(), help="Machine of the files, if not this one.")
@click.option("--owner", type=_Word(), help="Whose crontab it is, where lines name no user.")
@click.option("--prefix", default="", metavar="WORD", help="Start of new slugs.")
@click.make_pass_decorator(Session, ensure=True)
def crontab_command(session: Session, /, files: Sequence[str], apply: bool, **options: Any) -> None:
    """Make a watch (or with --as job, a job) of each crontab line: show the plan, then --apply it.

    `-` reads standard input. The format is found by a file's place and its users; where it is in
    doubt, you are asked to say it. CRON_TZ counts, as in cronie; Debian's cron ignores it.

    A line is known again by its machine, file, user and command, which the description of its
    watch names ("Imported from ..."): keep that line. If its time changed, so does the watch, and
    the plan shows from → to. What came from elsewhere is never touched: another slug is taken. A
    line that runs `dogwatch run SLUG`, or pings an address of this server, is that very watch.

    Watches: cron goes on running the lines. Each file is shown whole, as it should be from then
    on: its commands under `dogwatch run`, all else as it was. Paste it, and import it again
    whenever it changes.

    Jobs: the server runs the commands on its own machine, as its own user; lines of other users
    are refused. Put # before the lines that are named then, or they run twice.

    The exit status is 1 if something was left out or refused while applying.
    """
    read_files = [read(f, options["user"], options["owner"]) for f in dict.fromkeys(files)]
    _import(session, read_files, apply, flag="--apply", **options)


@command("discover", EXAMPLES_OF_DISCOVER)
@click.option("--auto", is_flag=True, help="Do what the plan says.")
@click.option("--as", "kind", type=_KINDS, default="watch", help=_KIND_TOLD)
@click.option("--tz", metavar="ZONE", help="Zone of lines without CRON_TZ.")
@click.option("--prefix", default="", metavar="WORD", help="Start of new slugs.")
@click.option("--root", type=click.Path(path_type=Path), default="/", help="Where its disk is.")
def discover_command(session: Session, auto: bool, root: Path, **options: Any) -> None:
    """Find what cron does on this machine: show the plan, then carry it out with --auto.

    Looks at /etc/crontab, /etc/cron.d and, if you may read them, the crontabs of all users; else
    add your own by `crontab -l | dogwatch import crontab -`. All else is as `dogwatch import
    crontab` says. Timers of systemd are not looked at.
    """
    _import(session, found(root), auto, flag="--auto", host=None, **options)


def _import(session: Session, read_files: Sequence[File], apply: bool, **options: Any) -> None:
    """Show the plan, or carry it out."""
    api = connect(session)
    known = _known(api, needed=apply)
    host = options["host"] or os.uname().nodename
    zone = options["tz"] or _local_zone(session.environ)
    wanted = [item for f in read_files for item in items(f, known, host, zone, options["prefix"])]
    kind: Kind = options["kind"]
    planned = plan(wanted, known, kind)
    if apply:
        for item in planned:
            _carry_out(api, kind, item)
    report = Report(
        kind=kind,
        planned=planned,
        files=read_files,
        known=known,
        gone=gone(planned, read_files, known, host),
        applied=apply,
        ping_base=_ping_base(session, api, planned, known),
        flag=options["flag"],
    )
    report.as_json() if session.json else report.as_text()
    if apply and (report.left_out or report.refused):
        raise click.exceptions.Exit(1)


def _ping_base(session: Session, api: Api, planned: Sequence[Item], known: Known) -> str | None:
    """Return where pings by slug go if cron's users would not find it as we did."""
    apart = session.data or session.server or any(map(session.environ.get, _ELSEWHERE))
    others = any(item.source.user != user_name(os.getuid()) for item in planned)
    needed = known.ping_key and (apart or others)
    return f"{api.server}/ping/{known.ping_key}" if needed else None


def _known(api: Api, *, needed: bool) -> Known:
    try:
        workspace = api.get("/workspace")
        watches = api.pages("/watches")
    except Problem as problem:
        if problem.kind == "away" and not needed:
            return Known(away=True)
        raise
    return Known(watches, workspace["ping_key"], workspace.get("scripts_run_as"))


def _local_zone(environ: Mapping[str, str]) -> str:
    """Return the machine's zone name, as cron(8) would take it."""
    named = environ.get("TZ", "").removeprefix(":")
    linked = str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2]
    zone = named if named and not named.startswith("/") else linked
    return zone or "UTC"


def _carry_out(api: Api, kind: Kind, item: Item) -> None:
    times = {"schedule": item.entry.schedule, "timezone": item.timezone}
    path = "/watches" if kind == "watch" else "/jobs"
    if item.verb == "change":
        api.send("PATCH", f"{path}/{item.slug}", times)
    elif item.verb == "create":
        name = item.slug if item.reports else suggest_name(item.entry)
        body = {"name": name, "slug": item.slug, "description": str(item.source), **times}
        api.send("POST", path, body | ({"action": _script(item.entry)} if kind == "job" else {}))


def _script(entry: Entry) -> dict[str, Any]:
    """Return the Bash action that does what cron does with the entry."""
    source = entry.command
    if entry.stdin is not None:
        source = f"printf %s {shlex.quote(entry.stdin)} | {{\n{entry.command}\n}}"
    env = {name: value for name, value in entry.environment.items() if name not in _CRON_OWN}
    return {"kind": "script", "language": "bash", "source": source, "env": env}
