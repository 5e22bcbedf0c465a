"""Pings that could not be sent, one file each, until they are."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dogwatch.cli.session import Session
from dogwatch.ids import new_token


@dataclass(frozen=True, slots=True)
class Spool:
    """Directories that hold one file per ping; the first that can be written takes new ones.

    File names begin with the ping's time in microseconds, so that names sort oldest first.
    """

    roots: tuple[Path, ...]

    def put(self, text: str, at_s: float) -> Path:
        """Keep a ping durably: written aside, synced, renamed, and the directory synced."""
        name = f"{int(at_s * 1e6):017d}-{new_token(40)}.json"
        failure: OSError | None = None
        for root in self.roots:
            try:
                root.mkdir(parents=True, exist_ok=True, mode=0o700)
                return _write(root / name, text)
            except OSError as error:
                failure = error
        raise failure or FileNotFoundError("no directory for the spool")

    def waiting(self) -> list[Path]:
        """Return the kept pings, oldest first."""
        found = [path for root in self.roots for path in root.glob("*.json")]
        return sorted(found, key=lambda path: path.name)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until no other process sends what is kept, then keep them away."""
        locks = [os.open(root, os.O_RDONLY) for root in self.roots if root.is_dir()]
        try:
            for lock in locks:
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            for lock in locks:
                os.close(lock)


def _write(path: Path, text: str) -> Path:
    aside = path.with_suffix(".new")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.rename(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return path


def spool_of(session: Session) -> Spool:
    """Return DATA/spool where DATA exists, with the user's state directory behind it."""
    home = Path(session.environ.get("HOME") or Path.home())
    state = Path(session.environ.get("XDG_STATE_HOME") or home / ".local" / "state")
    behind = state / "dogwatch" / "spool"
    data = session.data_dir
    return Spool((data / "spool", behind) if data.is_dir() else (behind,))
