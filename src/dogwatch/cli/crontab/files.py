"""Crontab files as they lie on a machine: their text, their format and whose they are."""

import os
import pwd
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from dogwatch.core.crontab import Crontab, Entry, Known, guessed, parse
from dogwatch.core.problems import invalid

SPOOLS = frozenset({Path("/var/spool/cron/crontabs"), Path("/var/spool/cron")})
OWN = "crontab -l"
# What cron(8) takes in /etc/cron.d: no backups of editors and packages.
_COUNTS = re.compile(r"[A-Za-z0-9_-]+")


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


def found(root: Path) -> list[File]:
    """Read the crontabs of a machine whose disk is at `root`; of other users' where one may."""
    cron_d = sorted((root / "etc/cron.d").glob("*"))
    system = [root / "etc/crontab", *(one for one in cron_d if _COUNTS.fullmatch(one.name))]
    files = [read(str(one), False, None) for one in system if one.is_file()]
    spools = [root / one.relative_to("/") for one in SPOOLS]
    for spool in (one for one in spools if os.access(one, os.R_OK)):
        users = sorted(one for one in spool.iterdir() if one.is_file())
        files += [read(str(one), True, one.name) for one in users]
    return files


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
    if path == Path("/etc/crontab") or path.parent == Path("/etc/cron.d"):
        return parse(text, system=True)
    if path.parent in SPOOLS:
        return parse(text, system=False)
    found = guessed(text, Known(_is_user, _is_program))
    if isinstance(found, Entry):
        told = f"{found.user!r} in line {found.line}"
        raise invalid(
            name,
            f"the sixth field looks like a user ({told}), but this place does not tell; "
            "say --system-format if it is one, --user-format if it starts the command",
        )
    return found


def _is_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except (KeyError, ValueError):
        return False
    return True


def _is_program(name: str) -> bool:
    return shutil.which(name) is not None
