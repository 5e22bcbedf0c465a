"""Crontab files as they lie on a machine: their text, their format and whose they are."""

import os
import pwd
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dogwatch.core.crontab import Crontab, Entry, parse
from dogwatch.core.problems import invalid

SPOOLS = frozenset({Path("/var/spool/cron/crontabs"), Path("/var/spool/cron")})
OWN = "crontab -l"
_NAME = re.compile(r"[a-z_][a-z0-9_-]*")
# Users that most systems have, and users that are programs as well.
_COMMON = frozenset(
    {"root", "daemon", "bin", "sys", "www-data", "nobody", "postgres", "mysql", "nginx", "apache"}
)
_ALSO_PROGRAMS = frozenset({"mail", "sync", "man", "backup"})


@dataclass(frozen=True, slots=True)
class File:
    """One crontab. `name`: as it was given; `place`: what it is known by on its machine.

    `owner` runs the lines that name no user; `word` is the start of the slugs.
    """

    name: str
    place: str
    owner: str
    word: str
    text: str
    crontab: Crontab

    def user(self, entry: Entry) -> str:
        """Return who runs an entry."""
        return entry.user or self.owner

    def line(self, entry: Entry) -> str:
        """Return the line of an entry as it stands."""
        return self.text.split("\n")[entry.line - 1].strip()


def read(name: str, user_format: bool | None, owner: str | None) -> File:
    """Read a file, `-` for standard input; Problem invalid if it or its format cannot be told."""
    text = _text(name)
    path = Path(name).absolute()
    spooled = name == "-" or path.parent in SPOOLS
    if user_format is None:
        crontab = _guessed(name, path, text)
    else:
        crontab = parse(text, system=not user_format)
    owner = owner or _owner(name, path)
    place = OWN if spooled else str(path)
    return File(name, place, owner, owner if spooled else path.name, text, crontab)


def user_name(uid: int) -> str:
    """Return the name of a user, or the number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _text(name: str) -> str:
    try:
        raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise invalid(name, f"cannot be read: {error.strerror}") from None
    return raw.decode("utf-8", "replace")


def _owner(name: str, path: Path) -> str:
    if name == "-":
        return user_name(os.getuid())
    return path.name if path.parent in SPOOLS else user_name(path.stat().st_uid)


def _guessed(name: str, path: Path, text: str) -> Crontab:
    """Read a file in the format that its place tells, or else its lines."""
    as_system, as_user = parse(text, system=True), parse(text, system=False)
    if path == Path("/etc/crontab") or path.parent == Path("/etc/cron.d"):
        return as_system
    if path.parent in SPOOLS or not as_system.entries:
        return as_user
    if len(as_system.problems) <= len(as_user.problems) and _all_users(as_system.entries):
        return as_system
    likely = [entry for entry in as_system.entries if _likely_user(entry)]
    if 2 * len(likely) > len(as_user.entries):
        told = f"{likely[0].user!r} in line {likely[0].line}"
        raise invalid(
            name,
            f"the sixth field looks like a user ({told}), but this place does not tell; "
            "say --system-format if it is one, --user-format if it starts the command",
        )
    return as_user


def _all_users(entries: Sequence[Entry]) -> bool:
    """Say whether a user stands in each line; mail, sync and backup are programs, too."""
    names = [entry.user or "" for entry in entries]
    return all(map(_is_user, names)) and not all(map(_is_program, names))


def _likely_user(entry: Entry) -> bool:
    name = entry.user or ""
    if not _NAME.fullmatch(name) or _is_program(name):
        return False
    called = entry.command.split()[0] if entry.command.split() else ""
    known = name in _COMMON or _is_user(name)
    return known or called.startswith("/") or shutil.which(called) is not None


def _is_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except (KeyError, ValueError):
        return False
    return True


def _is_program(name: str) -> bool:
    return name in _ALSO_PROGRAMS or shutil.which(name) is not None
