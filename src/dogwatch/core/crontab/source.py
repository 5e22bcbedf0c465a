"""Where an imported line stands: what it is known by, wherever its file moves it."""

import hashlib
import re
from dataclasses import dataclass
from typing import Self

from dogwatch.core.crontab.command import program
from dogwatch.core.crontab.table import Entry

MAX_SLUG = 60
_WRITTEN = re.compile(r"Imported from ([^:\n]+):(.+), user (\S+): (.+)")


@dataclass(frozen=True, slots=True)
class Source:
    """A line of a crontab by machine, file, user and command; its time may change.

    `call` is the program and 16 bits of a digest of the command: enough to tell the lines of one
    file apart, too few to try guesses of a secret in it.
    """

    host: str
    file: str
    user: str
    call: str

    @classmethod
    def of(cls, host: str, file: str, user: str, entry: Entry) -> Self:
        """Return the source of an entry."""
        whole = f"{entry.command}\0{entry.stdin or ''}".encode(errors="replace")
        digest = hashlib.sha256(whole).hexdigest()[:4]
        return cls(host, file, user, f"{program(entry.command) or 'job'} #{digest}")

    @classmethod
    def read(cls, description: str) -> Self | None:
        """Return the source that a watch's description names on a line of its own."""
        found = filter(None, map(_WRITTEN.fullmatch, description.splitlines()))
        return next((cls(*line.groups()) for line in found), None)

    def __str__(self) -> str:
        """Return the line that `read` reads."""
        return f"Imported from {self.host}:{self.file}, user {self.user}: {self.call}"


def slug(*words: str) -> str:
    """Return a slug of at most 60 characters made of words; a word that comes again is left out."""
    parts = [re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-") for word in words]
    return "-".join(dict.fromkeys(filter(None, parts)))[:MAX_SLUG].strip("-") or "job"
