"""`dogwatch import crontab`: a plan first, then the same plan applied."""

import pwd
import re
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import click

from dogwatch.cli.client import Api, connect
from dogwatch.cli.output import as_json, table
from dogwatch.cli.session import Command, Session
from dogwatch.core.crontab import Crontab, Entry, parse, suggest_name
from dogwatch.core.problems import Problem, invalid

Kind = Literal["watch", "job"]
_FIRST_PERCENT = re.compile(r"((?:[^%\\]|\\.)*)(%.*)?", re.DOTALL)
_PLAIN = re.compile(r"[A-Za-z0-9_/.][\w@+:,./ \\%=-]*")
_SHELL_WORDS = frozenset(
    {".", "cd", "command", "eval", "exec", "exit", "export", "source", "umask"}
)
_CRON_OWN = frozenset({"MAILTO", "MAILFROM", "CRON_TZ", "SHELL", "CONTENT_TYPE"})
EXAMPLES = """
dogwatch import crontab /etc/crontab /etc/cron.d/*
crontab -l | dogwatch import crontab --apply -
dogwatch import crontab --as job --apply /etc/cron.d/backup
"""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the plan; `verb` is create, change or same."""

    file: str
    entry: Entry
    timezone: str
    wrapped: str
    verb: str = "create"

    def told(self) -> dict[str, Any]:
        """Return what a reader of the plan sees."""
        return {
            "do": self.verb,
            "slug": self.entry.slug,
            "schedule": self.entry.schedule,
            "timezone": self.timezone,
            "from": f"{self.file}:{self.entry.line}",
            "command": self.entry.command,
            "line": self.wrapped,
        }


@click.group("import")
def import_command() -> None:
    """Bring in schedules from elsewhere."""


@import_command.command("crontab", cls=Command, examples=EXAMPLES)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--apply", is_flag=True, help="Do what the plan says.")
@click.option(
    "--as",
    "kind",
    type=click.Choice(["watch", "job"]),
    default="watch",
    help="What to make of each line.",
)
@click.option("--tz", "timezone", metavar="ZONE", help="Zone of lines without CRON_TZ.")
@click.option("--user-format/--system-format", "user", default=None, help="No user field, or one.")
@click.make_pass_decorator(Session, ensure=True)
def crontab_command(
    session: Session,
    files: Sequence[str],
    apply: bool,
    kind: Kind,
    timezone: str | None,
    user: bool | None,
) -> None:
    """Make a watch (or with --as job, a job) of each crontab line: show the plan, then --apply it.

    A file's format is found by its place and its users. What is there by the same slug is
    changed to the file's schedule; a second time nothing changes. For watches, the plan shows
    each line as it should stand in the crontab from then on. `-` reads standard input.
    """
    zone = timezone or _local_zone(session.environ)
    items, bad = _read_all(files, user, zone)
    api = connect(session)
    plan = [_compared(api, kind, item, needed=apply) for item in items]
    changes = [item for item in plan if item.verb != "same"]
    if apply:
        for item in changes:
            _carry_out(api, kind, item)
    _tell(session, kind, plan, bad, applied=apply)
    if apply and bad:
        raise click.exceptions.Exit(1)


def _read_all(files: Sequence[str], user: bool | None, zone: str) -> tuple[list[Item], list[str]]:
    items: list[Item] = []
    bad: list[str] = []
    taken: set[str] = set()
    for file in files:
        text = _text(file)
        crontab = _parsed(file, text, user)
        bad += [f"{file}:{problem.line}: {problem.message}" for problem in crontab.problems]
        for entry in crontab.entries:
            named = replace(entry, slug=_free(entry.slug, taken))
            taken.add(named.slug)
            wrapped = wrap_line(text.split("\n")[entry.line - 1], named)
            items.append(Item(file, named, entry.timezone or zone, wrapped))
    return items, bad


def _text(file: str) -> str:
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise invalid(file, f"cannot be read: {error.strerror}") from None
    return raw.decode("utf-8", "replace")


def _parsed(file: str, text: str, user: bool | None) -> Crontab:
    name = "crontab" if file == "-" else Path(file).name
    if user is not None or file == "-":
        return parse(text, system=user is False, name=name)
    as_system = parse(text, system=True, name=name)
    path = Path(file).absolute()
    if path == Path("/etc/crontab") or path.parent == Path("/etc/cron.d"):
        return as_system
    as_user = parse(text, system=False, name=name)
    return as_system if _has_users(as_system, as_user) else as_user


def _has_users(as_system: Crontab, as_user: Crontab) -> bool:
    """Say whether a user stands in each line; mail, sync and backup are programs, too."""
    names = [entry.user for entry in as_system.entries if entry.user]
    known = len(as_system.problems) <= len(as_user.problems) and all(map(_is_user, names))
    return known and any(not shutil.which(name) for name in names)


def _is_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _free(slug: str, taken: set[str]) -> str:
    number, free = 1, slug
    while free in taken:
        number += 1
        free = f"{slug}-{number}"
    return free


def wrap_line(line: str, entry: Entry) -> str:
    """Return a crontab line whose command runs under `dogwatch run`.

    What a shell must read goes to the entry's shell; what cron feeds to standard input, after
    the first unescaped %, stays where it is.
    """
    words = (1 if entry.schedule.startswith("@") else 5) + (entry.user is not None)
    *front, command = line.split(maxsplit=words)
    found = _FIRST_PERCENT.fullmatch(command.rstrip())
    head, tail = (found[1], found[2] or "") if found else (command, "")
    plain = _PLAIN.fullmatch(head) and "=" not in head.split()[0]
    if not plain or "\\" in head or head.split()[0] in _SHELL_WORDS:
        head = f"{entry.shell} -c {shlex.quote(head)}"
    return f"{' '.join(front)} dogwatch run {entry.slug} -- {head}{tail}"


def _local_zone(environ: Mapping[str, str]) -> str:
    """Return the machine's zone name, as cron(8) would take it."""
    named = environ.get("TZ", "").removeprefix(":")
    linked = str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2]
    zone = named if named and not named.startswith("/") else linked
    return zone or "UTC"


def _compared(api: Api, kind: Kind, item: Item, *, needed: bool) -> Item:
    try:
        there = api.get(f"/{_plural(kind)}/{item.entry.slug}")
    except Problem as problem:
        if problem.kind == "not_found" or (problem.kind == "away" and not needed):
            return item
        raise
    same = (there.get("schedule"), there.get("timezone")) == (item.entry.schedule, item.timezone)
    return replace(item, verb="same" if same else "change")


def _carry_out(api: Api, kind: Kind, item: Item) -> None:
    times = {"schedule": item.entry.schedule, "timezone": item.timezone}
    if item.verb == "change":
        api.send("PATCH", f"/{_plural(kind)}/{item.entry.slug}", times)
        return
    body: dict[str, Any] = {"name": suggest_name(item.entry), "slug": item.entry.slug, **times}
    if kind == "job":
        body["action"] = _script(item.entry)
    api.send("POST", f"/{_plural(kind)}", body)


def _script(entry: Entry) -> dict[str, Any]:
    """Return the Bash action that does what cron does with the entry."""
    source = entry.command
    if entry.stdin is not None:
        source = f"printf %s {shlex.quote(entry.stdin)} | {{\n{entry.command}\n}}"
    env = {name: value for name, value in entry.environment.items() if name not in _CRON_OWN}
    return {"kind": "script", "language": "bash", "source": source, "env": env}


def _plural(kind: Kind) -> str:
    return "watches" if kind == "watch" else "jobs"


def _tell(
    session: Session, kind: Kind, plan: Sequence[Item], bad: Sequence[str], *, applied: bool
) -> None:
    changes = sum(item.verb != "same" for item in plan)
    if session.json:
        told = {"applied": applied, "changes": changes, "problems": list(bad)}
        as_json(told | {"entries": [item.told() for item in plan]})
        return
    for line in bad:
        click.echo(f"dogwatch: left out: {line}", err=True)
    if plan:
        table(
            [item.told() for item in plan],
            ("do", "slug", "schedule", "timezone", "from", "command"),
        )
    _summary(kind, plan, changes, applied=applied)


def _summary(kind: Kind, plan: Sequence[Item], changes: int, *, applied: bool) -> None:
    if not changes:
        click.echo(f"\nNothing to change: {len(plan)} {_plural(kind)} are as the files say.")
    elif applied:
        click.echo(f"\nDone: {changes} of {len(plan)} {_plural(kind)} made or changed.")
    else:
        click.echo(f"\n{changes} of {len(plan)} to make or change. To do it, add --apply.")
    if kind == "watch" and changes:
        click.echo("\nIn the crontab, let the lines be:")
        for item in plan:
            click.echo(item.wrapped)
