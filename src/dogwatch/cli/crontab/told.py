"""What is said of an import: the plan, what to mind, and the crontabs as they should be."""

import re
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from dogwatch.cli.crontab.files import File
from dogwatch.cli.crontab.plan import Item, Kind, Known
from dogwatch.cli.output import as_json, table
from dogwatch.core.crontab import Entry, rewritten, wrap_line

CRON_PATH = "/usr/bin:/bin"
CRON_TZ = re.compile(r"""\s*(["']?)CRON_TZ\1\s*=""")
_COLUMNS = ("do", "slug", "schedule", "timezone", "from", "command")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What is to be said of a plan. `gone`: slugs that have lost their line.

    `flag`: what has it applied. `ping_base`: where pings by slug go, if cron's users would not
    find it by themselves.
    """

    kind: Kind
    planned: Sequence[Item]
    files: Sequence[File]
    known: Known
    gone: Sequence[str]
    applied: bool
    ping_base: str | None
    flag: str

    @property
    def left_out(self) -> list[str]:
        """Return the lines that cannot be used, with their reasons."""
        return [f"{f.name}:{bad.line}: {bad.message}" for f in self.files
                for bad in f.crontab.problems]  # fmt: skip

    @property
    def changes(self) -> int:
        """Return how much is to be done, or was."""
        return sum(item.verb in ("create", "change") for item in self.planned)

    @property
    def refused(self) -> list[Item]:
        """Return what cannot be done."""
        return [item for item in self.planned if item.verb == "refuse"]

    def as_json(self) -> None:
        """Print it as one JSON document."""
        as_json({
            "applied": self.applied,
            "changes": self.changes,
            "problems": self.left_out,
            "warnings": self.warnings(),
            "entries": [_row(item) for item in self.planned],
            "crontabs": self._crontabs() if self.kind == "watch" else {},
        })  # fmt: skip

    def as_text(self) -> None:
        """Print it for people: what is wrong first, then the plan, then what is left to do."""
        for line in self.left_out:
            click.echo(f"dogwatch: left out: {line}", err=True)
        for line in self.warnings():
            click.echo(f"dogwatch: {line}", err=True)
        if self.planned:
            table(map(_shown, self.planned), _COLUMNS)
        for item in self.refused:
            click.echo(f"refused {item.place}: {item.why}")
        click.echo(f"\n{self.summary()}")
        if self.kind == "job":
            self._say_doubled()
        else:
            self._show_crontabs()

    def summary(self) -> str:
        """Return one line of counts."""
        things = "watches" if self.kind == "watch" else "jobs"
        refused, all_of_them = len(self.refused), len(self.planned)
        but = f" {refused} refused." if refused else ""
        if not self.changes:
            same = all_of_them - refused
            good = f" {same} {things} are as the files say." if same or not refused else ""
            return f"Nothing to change:{good}{but}"
        if self.applied:
            return f"Done: {self.changes} of {all_of_them} {things} made or changed.{but}"
        return f"{self.changes} of {all_of_them} to make or change.{but} To do it, add {self.flag}."

    def warnings(self) -> list[str]:
        """Return what to mind."""
        away = ["the server is away: this is the plan for an empty one"] if self.known.away else []
        gone = [
            f"{slug} came from these files, and no line there is its own any more: delete it, or "
            "it goes down"
            for slug in self.gone
        ]
        return [*away, *gone, *(line for file in self.files for line in _zones(file))]

    def _say_doubled(self) -> None:
        jobs = [item for item in self.planned if item.verb != "refuse"]
        if jobs:
            when = "now" if self.applied else "once applied"
            click.echo(f"\nThe server runs these on its machine {when}. Put # before each line, "
                       "or it runs twice:")  # fmt: skip
        for item in jobs:
            click.echo(f"  {item.place}: {item.file.line(item.entry)}")

    def _show_crontabs(self) -> None:
        for name, text in self._crontabs().items():
            what = "the crontab" if name == "-" else name
            click.echo(f"\nThe whole of {what}, as it should be from now on:\n\n{text.rstrip()}")

    def _crontabs(self) -> dict[str, str]:
        """Return the whole new text of each file in which a line should be wrapped, by its name.

        It begins with where pings go, unless cron's users find that, or its first line says so.
        """
        line = f"DOGWATCH_PING_URL={self.ping_base}\n" if self.ping_base else ""
        return {name: text if text.startswith(line) else line + text
                for name, text in _rewritten(self.planned).items()}  # fmt: skip


def _row(item: Item) -> dict[str, Any]:
    """Return what a reader of the plan in JSON sees."""
    was = item.was and {"schedule": item.was[0], "timezone": item.was[1]}
    return {
        "do": item.verb,
        "slug": item.slug,
        "schedule": item.entry.schedule,
        "timezone": item.timezone,
        "was": was,
        "from": item.place,
        "user": item.source.user,
        "command": item.entry.command,
        "line": _line(item),
        "why": item.why,
    }


def _shown(item: Item) -> dict[str, Any]:
    row = _row(item)
    if item.was:
        for name, before in zip(("schedule", "timezone"), item.was, strict=True):
            row[name] = row[name] if row[name] == before else f"{before} → {row[name]}"
    return row


def _zones(file: File) -> Iterator[str]:
    """Yield a warning for each zone that a file sets: cronie honours it, Debian's cron does not."""
    for number, line in enumerate(file.text.split("\n"), 1):
        if CRON_TZ.match(line):
            yield (
                f"{file.name}:{number}: {line.strip()} is taken at its word, as cronie does; "
                "Debian's cron ignores it (crontab(5)): there, take the line out and import again"
            )


def _rewritten(planned: Sequence[Item]) -> dict[str, str]:
    """Return the text of each file in which a line should be wrapped, with it wrapped."""
    lines: dict[str, dict[int, str]] = {}
    texts: dict[str, str] = {}
    for item in planned:
        if item.verb != "refuse" and not item.reports:
            lines.setdefault(item.file.name, {})[item.entry.line] = _line(item)
            texts[item.file.name] = item.file.text
    return {name: rewritten(texts[name], changed) for name, changed in lines.items()}


def _line(item: Item) -> str:
    """Return the line as it should stand in the crontab."""
    line = item.file.line(item.entry)
    if item.reports or item.verb == "refuse":
        return line
    return wrap_line(line, item.entry, item.slug, _called(item.entry))


def _called(entry: Entry) -> str:
    """Return how cron finds us: by name on its PATH, else by our own place."""
    path = entry.environment.get("PATH", CRON_PATH)
    if shutil.which("dogwatch", path=path):
        return "dogwatch"
    own = Path(sys.argv[0]).absolute()
    found = str(own) if own.name == "dogwatch" else shutil.which("dogwatch")
    return shlex.quote(found or "dogwatch")
