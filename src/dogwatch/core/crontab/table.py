"""Crontab files, as crontab(5) of Debian describes them, plus `CRON_TZ`.

A line that cannot be used becomes a `BadLine` with its number; the others still count.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from dogwatch.core import schedule
from dogwatch.core.problems import Problem

# Each entry keeps the settings above it: with more of them, a long file would take all memory.
MOST_SETTINGS = 200
EMPTY: Mapping[str, str] = MappingProxyType({})
ENVIRONMENT = re.compile(r"""("[^"]*"|'[^']*'|[^\s="']+)[ \t]*=[ \t]*(.*)""")
QUOTED = re.compile(r"""(["'])(.*)\1""")
PERCENT = re.compile(r"\\.|%", re.DOTALL)
# A comment that explains the columns, or a job that is commented out.
LEGEND = re.compile(
    r"[.|*]|m\s+h\s|min(ute)?\s+hour\s|@\w+\s|\d[\d,/-]*\s+[\d*][\d*,/-]*\s", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One job. `timezone`: of CRON_TZ, None for the system's; `user`: system format only.

    `stdin`: what follows the first unescaped `%`, None if there is none. `environment`: the
    settings above the entry.
    """

    line: int
    schedule: str
    timezone: str | None
    user: str | None
    command: str
    stdin: str | None = None
    description: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def shell(self) -> str:
        """The shell that runs the command."""
        return self.environment.get("SHELL", "/bin/sh")


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be used, and why."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Crontab:
    """A parsed file; `environment` is what holds at its end."""

    entries: tuple[Entry, ...]
    problems: tuple[BadLine, ...]
    environment: Mapping[str, str]


def parse(text: str, *, system: bool) -> Crontab:
    """Read a crontab; `system` for /etc/crontab and /etc/cron.d, where a user precedes the command.

    Raises nothing: see `problems`.
    """
    reader = _Reader(system)
    for number, line in enumerate(text.split("\n"), 1):
        reader.read(number, line.strip(" \t\r"))
    return Crontab(tuple(reader.entries), tuple(reader.problems), reader.environment)


class _Reader:
    """What the lines so far have set."""

    def __init__(self, system: bool) -> None:
        self.system = system
        self.environment: Mapping[str, str] = EMPTY
        self.comments: list[str] = []
        self.entries: list[Entry] = []
        self.problems: list[BadLine] = []

    def read(self, number: int, line: str) -> None:
        if line.startswith("#"):
            self.comments.append(line.lstrip("# \t"))
            return
        if setting := ENVIRONMENT.fullmatch(line):
            self._set(number, *map(_unquoted, setting.groups()))
        elif line:
            self._add(number, line)
        self.comments = []

    def _set(self, number: int, name: str, value: str) -> None:
        if len(self.environment) == MOST_SETTINGS and name not in self.environment:
            self.problems.append(BadLine(number, f"at most {MOST_SETTINGS} settings"))
            return
        self.environment = MappingProxyType({**self.environment, name: value})

    def _add(self, number: int, line: str) -> None:
        try:
            self.entries.append(self._entry(number, line))
        except ValueError as error:
            self.problems.append(BadLine(number, str(error)))
        except Problem as problem:
            self.problems.append(BadLine(number, problem.message.replace("timezone", "CRON_TZ", 1)))

    def _entry(self, number: int, line: str) -> Entry:
        when, user, command = _fields(line, self.system)
        timezone = self.environment.get("CRON_TZ") or None
        schedule.parse(when, timezone or "UTC")
        shell_command, stdin = _percent(command)
        return Entry(
            line=number,
            schedule=when,
            timezone=timezone,
            user=user,
            command=shell_command,
            stdin=stdin,
            description=_description(self.comments),
            environment=self.environment,
        )


def _fields(line: str, system: bool) -> tuple[str, str | None, str]:
    """Split into schedule, user and command."""
    if "\0" in line:
        raise ValueError("holds a NUL character")
    count = 1 if line.startswith("@") else 5
    parts = line.split(maxsplit=count + system)
    if len(parts) < count:
        raise ValueError("expected 5 time fields (or an @macro) and a command, or NAME=value")
    if len(parts) < count + system + 1:
        missing = "user or command" if system else "command"
        raise ValueError(f"the {missing} is missing")
    return " ".join(parts[:count]), parts[count] if system else None, parts[-1]


def _unquoted(text: str) -> str:
    quoted = QUOTED.fullmatch(text)
    return quoted[2] if quoted else text


def _percent(command: str) -> tuple[str, str | None]:
    r"""Split at the first unescaped %, the others are newlines; `\%` is a plain %."""
    replaced = PERCENT.sub(lambda found: {"%": "\0", r"\%": "%"}.get(found[0], found[0]), command)
    head, percent, tail = replaced.partition("\0")
    if not percent:
        return head, None
    stdin = tail.replace("\0", "\n")
    return head, stdin if stdin.endswith("\n") or not stdin else stdin + "\n"


def _description(comments: list[str]) -> str:
    """Return the comment right above an entry, unless it is no description."""
    if any(LEGEND.match(comment) for comment in comments):
        return ""
    return "\n".join(comments).strip()
