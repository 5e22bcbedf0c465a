"""A crontab whose commands run under `dogwatch run`; all else stays as it is."""

import re
import shlex
from collections.abc import Mapping

from dogwatch.core.crontab.table import Entry

_FIRST_PERCENT = re.compile(r"((?:[^%\\]|\\.)*)(%.*)?", re.DOTALL)
_PLAIN = re.compile(r"[A-Za-z0-9_/.][\w@+:,./ \\%=-]*")
_SHELL_WORDS = frozenset(
    {".", "cd", "command", "eval", "exec", "exit", "export", "source", "umask"}
)


def wrap_line(line: str, entry: Entry, slug: str, program: str = "dogwatch") -> str:
    """Return a crontab line whose command runs under `dogwatch run`.

    What a shell must read goes to the entry's shell; what cron feeds to standard input, after
    the first unescaped %, stays where it is.
    """
    words = (1 if entry.schedule.startswith("@") else 5) + (entry.user is not None)
    *front, command = line.split(maxsplit=words)
    found = _FIRST_PERCENT.fullmatch(command.rstrip(" \t\r"))
    head, tail = (found[1], found[2] or "") if found else (command, "")
    plain = _PLAIN.fullmatch(head) and "=" not in head.split()[0]
    if not plain or "\\" in head or head.split()[0] in _SHELL_WORDS:
        shell = shlex.quote(entry.shell).replace("%", r"\%")
        head = f"{shell} -c {shlex.quote(head)}"
    return f"{' '.join(front)} {program} run {slug} -- {head}{tail}"


def rewritten(text: str, lines: Mapping[int, str]) -> str:
    """Return a file with some lines, by their number from 1, replaced."""
    old = enumerate(text.split("\n"), 1)
    return "\n".join(lines.get(number, line) for number, line in old)
