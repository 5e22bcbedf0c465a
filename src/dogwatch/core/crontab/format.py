"""Whether a crontab is a user's or a system's, where its place does not tell: in a system's, a user
stands before each command."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dogwatch.core.crontab.table import Crontab, Entry, parse

# Users that most systems have and that no program is called like; and users that are programs, too.
COMMON = frozenset(
    {"root", "daemon", "bin", "sys", "www-data", "nobody", "postgres", "mysql", "nginx", "apache"}
)
ALSO_PROGRAMS = frozenset({"mail", "sync", "man", "backup"})
_NAME = re.compile(r"[a-z_][a-z0-9_-]*")


def _nobody(_: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beside the common ones of where a crontab comes from."""

    users: Callable[[str], bool] = _nobody
    programs: Callable[[str], bool] = _nobody

    def is_user(self, name: str) -> bool:
        """Whether a word is a user there."""
        return name in COMMON or self.users(name)

    def is_program(self, name: str) -> bool:
        """Whether a word is a program there."""
        return name in ALSO_PROGRAMS or self.programs(name)


def guessed(text: str, known: Known) -> Crontab | Entry:
    """Return a crontab in the format that its lines tell; or, where they do not tell, the first
    line with what looks like a user."""
    as_system, as_user = parse(text, system=True), parse(text, system=False)
    if not as_system.entries:
        return as_user
    sound = len(as_system.problems) <= len(as_user.problems)
    if sound and _all_users(as_system.entries, known):
        return as_system
    likely = [entry for entry in as_system.entries if _likely_user(entry, known)]
    return likely[0] if 2 * len(likely) > len(as_user.entries) else as_user


def _all_users(entries: Sequence[Entry], known: Known) -> bool:
    """Say whether a user stands in each line; mail, sync and backup are programs, too."""
    names = [entry.user or "" for entry in entries]
    return all(map(known.is_user, names)) and not all(map(known.is_program, names))


def _likely_user(entry: Entry, known: Known) -> bool:
    name = entry.user or ""
    if not _NAME.fullmatch(name) or known.is_program(name):
        return False
    called = entry.command.split()[0] if entry.command.split() else ""
    return known.is_user(name) or called.startswith("/") or known.is_program(called)
